import { basename, dirname } from 'node:path'
import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { SourceConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import { resolveArchives } from './archives.ts'
import type { Cursor } from './cursor.ts'
import type { DirectoryListings } from './directory-listings.ts'
import { Fault, type FileFacts, type Files } from './files.ts'
import { Generation, type GenerationContext, type Place } from './generation.ts'
import { isIdentity, plainCandidate, recognise } from './recognition.ts'
import { type Age, compareAge, parseRotatedName } from './rotated-name.ts'
import { scanSiblings } from './siblings.ts'
import { startingPosition } from './start.ts'

export interface LineageOptions {
  /** The live path, as discovered. */
  readonly path: string
  readonly source: SourceConfig
  readonly files: Files
  readonly listings: DirectoryListings
  readonly log: Log
  readonly records: readonly GenerationRecord[]
  readonly context: GenerationContext
  /** Written to after this moment: not history, even where nothing is recorded. */
  readonly startedAtMs: number
  /** Found by the first look after the start, as against one that appeared later. */
  readonly isInitial: boolean
  /** How long a rotated file must be quiet before its last line counts without a newline. */
  readonly finalQuietMs: number
}

const MISSING_SCANS = 2

/**
 * A live path and the generations of its content, oldest first. `check` brings it up to date with the file system: it
 * may be called at any time, and everything it learns it learns by looking (wake-ups only say when).
 */
export class Lineage {
  readonly options: LineageOptions
  /** Not finished; a live one stands last. */
  reading: Generation[] = []
  /** Finished or history, kept so that their files are recognised and not read again. */
  done: Generation[] = []
  /** Recorded or read before, but not at a known place now. */
  homeless: Generation[] = []
  live: Generation | undefined
  /** Why the live path cannot be read; undefined when it can, or is just absent. */
  error: string | undefined
  missing = 0
  /** The name and directory rotated generations are looked for beside: of the file behind a symbolic link. */
  base: { readonly directory: string; readonly name: string }
  /** Archives that cannot be read yet, with the reason. */
  readonly waiting = new Map<string, string>()
  /** Decided archives and copies: path to the state of the file that the decision holds for. */
  readonly decided = new Map<string, string>()
  scanWanted = true
  /** No record and nothing seen: what lies there rotated is history. */
  isVirgin: boolean
  readonly startedVirgin: boolean
  #resolving: Promise<void> | undefined

  constructor(options: LineageOptions) {
    this.options = options
    this.base = { directory: dirname(options.path), name: basename(options.path) }
    const force = options.source.startPosition.startsWith('force')
    this.homeless = force ? [] : options.records.map((record) => Generation.recorded(record, options.context))
    this.isVirgin = this.homeless.length === 0
    this.startedVirgin = this.isVirgin
  }

  /** The first cursor of a destination with something to read, in the order of the content. */
  nextCursor(destination: string): Cursor | undefined {
    for (const generation of this.reading) {
      if (!generation.place || generation.isReplaced) continue
      const cursor = generation.cursors.get(destination)
      if (cursor?.hasUnread) return cursor
    }
    return undefined
  }

  /** Whether something is going on that wants a close look. */
  isActive(nowMs: number): boolean {
    const { live } = this
    return (
      this.missing > 0 ||
      this.reading.length > (live ? 1 : 0) ||
      (live !== undefined && (live.isReplaced || nowMs - live.changedAtMs < 10_000))
    )
  }

  check(nowMs: number): void {
    this.#checkLive(nowMs)
    for (const generation of this.reading) if (generation !== this.live) this.#checkRotated(generation, nowMs)
    if (this.scanWanted || this.#isUnsettled()) {
      this.scanWanted = false
      const archives = scanSiblings(this, nowMs)
      this.isVirgin = false
      this.#resolve(archives)
    }
    for (const generation of this.reading) generation.fingerprintPrefix()
    this.#finish(nowMs)
  }

  /** Resolves when archives found by the last check are decided. */
  async idle(): Promise<void> {
    await this.#resolving
  }

  /** Takes a generation's file away and looks for its content among the siblings. */
  orphan(generation: Generation): void {
    generation.evict()
    this.reading = this.reading.filter((other) => other !== generation)
    this.done = this.done.filter((other) => other !== generation)
    this.homeless.push(generation)
    // What was held to be a copy of it may be all that is left of it.
    this.decided.clear()
    if (this.live === generation) this.live = undefined
    this.scanWanted = true
  }

  /** Puts a generation where it belongs in the order of the content. */
  insert(generation: Generation): void {
    this.homeless = this.homeless.filter((other) => other !== generation)
    this.done = this.done.filter((other) => other !== generation)
    if (generation.finished) this.done.push(generation)
    else if (!this.reading.includes(generation)) this.reading.push(generation)
    this.reading.sort(
      (a, b) => Number(a === this.live) - Number(b === this.live) || compareAge(this.#age(a), this.#age(b)),
    )
    startingPosition(generation, this)
    generation.fingerprintPrefix()
    this.options.context.onChange()
  }

  /** A generation whose content is not known from before. */
  discover(place: Place): Generation {
    const known = new Set([...this.reading, ...this.done, ...this.homeless].map((generation) => generation.origin.id))
    for (let epoch = 0; ; epoch += 1) {
      const generation = Generation.discovered(this.options.path, place, { context: this.options.context, epoch })
      if (!known.has(generation.origin.id)) return generation
    }
  }

  close(): void {
    for (const generation of [...this.reading, ...this.done, ...this.homeless]) generation.closeContent()
  }

  #age(generation: Generation): Age {
    const name = generation === this.live ? undefined : parseRotatedName(basename(generation.lastPath), this.base.name)
    return { name, mtimeMs: generation.mtimeMs }
  }

  #checkLive(nowMs: number): void {
    const { files, path } = this.options
    const facts = files.stat(path)
    if (facts instanceof Fault) {
      this.#liveFault(facts, nowMs)
      return
    }
    this.missing = 0
    if (facts.kind !== 'file') {
      this.error = facts.kind === 'directory' ? 'it is a directory' : 'it is not a regular file'
      return
    }
    const { live } = this
    if (live && isIdentity(live.identity, facts)) {
      live.observe(facts, nowMs)
      this.error = live.fault?.message
      live.retry()
      if (!live.isReplaced) return
      this.orphan(live)
    } else if (live) this.#rotate(live, nowMs)
    this.#adopt(nowMs)
  }

  /** Unobservable is not deleted: only a path that is absent twice in a row counts as gone. */
  #liveFault(fault: Fault, nowMs: number): void {
    const absent = fault.code === 'ENOENT' || fault.code === 'ENOTDIR'
    this.error = absent ? undefined : fault.message
    if (!absent) return
    this.missing += 1
    if (this.live && this.missing >= MISSING_SCANS) this.#rotate(this.live, nowMs)
  }

  #rotate(generation: Generation, nowMs: number): void {
    generation.rotated = true
    this.live = undefined
    this.scanWanted = true
    this.#checkRotated(generation, nowMs)
  }

  #adopt(nowMs: number): void {
    const { files, path, context } = this.options
    const full = context.descriptors.makeRoom()
    const fd = full ?? files.open(path)
    if (fd instanceof Fault) {
      this.error = fd.message
      return
    }
    const facts = files.facts(fd)
    if (facts instanceof Fault) {
      files.close(fd)
      this.error = facts.message
      return
    }
    const generation = this.#identify(fd, facts)
    if (generation instanceof Fault) {
      files.close(fd)
      this.error = generation.message
      return
    }
    this.error = undefined
    this.#findBase()
    generation.settleIn({ path, facts }, fd)
    generation.rotated = false
    generation.finished = false
    this.live = generation
    this.scanWanted = true
    this.insert(generation)
    generation.observe(facts, nowMs)
  }

  #identify(fd: number, facts: FileFacts): Generation | Fault {
    const byFile = [...this.reading, ...this.done].find(
      (known) => isIdentity(known.identity, facts) && !known.isReplaced,
    )
    if (byFile) return byFile
    const candidate = plainCandidate(this.options.files, fd, facts)
    const likeliestFirst = this.homeless.toSorted(
      (a, b) => Number(isIdentity(b.identity, facts)) - Number(isIdentity(a.identity, facts)),
    )
    for (const known of likeliestFirst) {
      const verdict = recognise(known, candidate)
      if (verdict instanceof Fault) return verdict
      if (verdict === 'same') return known
    }
    return this.discover({ path: this.options.path, facts })
  }

  #findBase(): void {
    const real = this.options.files.realpath(this.options.path)
    if (!(real instanceof Fault)) this.base = { directory: dirname(real), name: basename(real) }
  }

  #checkRotated(generation: Generation, nowMs: number): void {
    if (!generation.place || generation.place.inflatedSize !== undefined) return
    if (generation.isReplaced) {
      this.orphan(generation)
      return
    }
    const { files } = this.options
    const facts =
      generation.descriptor === undefined ? files.stat(generation.place.path) : files.facts(generation.descriptor)
    if (facts instanceof Fault || !isIdentity(facts, generation.identity)) {
      this.scanWanted = true
      return
    }
    generation.observe(facts, nowMs)
    generation.retry()
    if (generation.isReplaced) this.orphan(generation)
  }

  /** Something is looked for, or may still change into what is looked for. */
  #isUnsettled(): boolean {
    return this.waiting.size > 0 || this.homeless.some((generation) => !generation.lossReported)
  }

  #resolve(archives: readonly Place[]): void {
    if (archives.length === 0 || this.isResolving) return
    this.#resolving = resolveArchives(this, archives).finally(() => {
      this.#resolving = undefined
      this.options.context.onDoubt()
    })
  }

  get isResolving(): boolean {
    return this.#resolving !== undefined
  }

  #finish(nowMs: number): void {
    for (const generation of this.reading) {
      if (!generation.rotated || !generation.place) continue
      if (!generation.final && nowMs - generation.changedAtMs >= this.options.finalQuietMs) generation.finalise()
      if (!generation.final || !generation.isSettled) continue
      generation.finished = true
      generation.closeContent()
      this.done.push(generation)
      this.options.context.onChange()
    }
    this.reading = this.reading.filter((generation) => !generation.finished)
  }
}
