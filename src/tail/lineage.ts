import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { SourceConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import { ArchiveSearch } from './archive-search.ts'
import { ByFile } from './by-file.ts'
import { type Complaint, createComplaint } from './complaint.ts'
import type { Cursor } from './cursor.ts'
import { Decisions, textOf } from './decisions.ts'
import type { DirectoryListings } from './directory-listings.ts'
import { Fault, type FileFacts, type Files } from './files.ts'
import { finishRotated, isWatched } from './finishing.ts'
import { Generation, type GenerationContext, type Place } from './generation.ts'
import { isIdentity } from './identity.ts'
import { LivePath } from './live-path.ts'
import { reportDamage, reportLoss, takeBackLoss } from './losses.ts'
import { mayHold } from './recognition.ts'
import { Retention } from './retention.ts'
import { oldestFirst, parseRotatedName } from './rotated-name.ts'
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
  /** How long a deleted or rotated file must be quiet while nothing is written to a new one in its place. */
  readonly deletedQuietMs: number
  /** Whether a file, at the live path or beside it, is read by another lineage, to which it was known first. */
  isElsewhere(place: Place, nowMs: number): boolean | Fault
  /** What was recorded of a file that no lineage looks after any more; it is this one's from now on. */
  recall(facts: FileFacts): readonly GenerationRecord[]
}

/**
 * Generations whose file is gone are kept to be recognised should it come back, as when a mount was away, so many: more than
 * the 100 files kube-apiserver keeps, and few enough to be written with every registry.
 */
const KEPT_GONE = 256

/** While something is looked for, a directory is scanned so often at most unless something happens in it. */
const SEARCH_MS = 200

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
  readonly livePath: LivePath
  /** Generations whose file was in the directory at the last scan. */
  seen: ReadonlySet<Generation> = new Set()
  readonly byFile = new ByFile()
  readonly decisions = new Decisions()
  readonly retention = new Retention()
  scanWanted = true
  /** Nothing was recorded: what is there at the first look is subject to `start_position` and `backfill`. */
  readonly isVirgin: boolean
  /** The live path has not been looked at yet, nor its siblings. */
  readonly unseen = { live: true, siblings: true }
  #isUnordered = false
  #scannedAtMs = Number.NEGATIVE_INFINITY
  readonly #archives = new ArchiveSearch(this)
  readonly #complain: Complaint

  constructor(options: LineageOptions) {
    this.options = options
    this.livePath = new LivePath(options.path, this)
    this.#complain = createComplaint(options.path, options.log)
    const force = options.source.startPosition.startsWith('force')
    for (const record of force ? [] : options.records) this.#remember(record)
    this.isVirgin = this.homeless.length === 0
  }

  /**
   * The first cursor of a destination with something to read, in the order of the content. While the archives that were
   * found at the start are looked into no generation is begun for a moment, as what is in them may come before it.
   */
  nextCursor(destination: string): Cursor | undefined {
    for (const generation of this.reading) {
      if (!generation.place || generation.isReplaced) continue
      const cursor = generation.cursors.get(destination)
      if (cursor?.hasUnread) return this.#archives.isHolding && cursor.position === 0 ? undefined : cursor
    }
    return undefined
  }

  /** Whether something is going on that wants a close look. */
  isActive(nowMs: number): boolean {
    const { live } = this
    return (
      this.livePath.missing > 0 ||
      this.reading.some((generation) => generation !== live && !isWatched(generation, nowMs)) ||
      (live !== undefined && (live.isReplaced || nowMs - live.changedAtMs < 10_000))
    )
  }

  check(nowMs: number): void {
    this.livePath.look(nowMs)
    for (const generation of this.reading) if (generation !== this.live) this.lookAtRotated(generation, nowMs)
    for (const generation of this.reading) generation.learnHead()
    if (this.scanWanted || this.livePath.hasArrival || this.#isSearching) {
      this.scanWanted = false
      this.#scannedAtMs = performance.now()
      const isFirst = this.isVirgin && this.unseen.siblings
      this.#archives.begin(scanSiblings(this, nowMs), isFirst)
    }
    for (const generation of this.reading) generation.retry()
    finishRotated(this, nowMs)
    if (this.#isUnordered) this.#order()
    for (const damaged of this.decisions.newlyDamaged()) reportDamage(this.options.log, damaged)
    this.#complain(this.#complaint)
  }

  /** Resolves when archives found by the last check are decided. */
  async idle(): Promise<void> {
    await this.#archives.idle()
  }

  /** What is beside the live path is still looked into, or waited for. */
  get isUndecided(): boolean {
    return this.#archives.isRunning || this.decisions.isWaiting
  }

  /** In how long the oldest generation that is not delivered would be deleted; undefined while that is unknown. */
  deletionInMs(nowMs: number): number | undefined {
    const oldest = this.reading.find((generation) => !generation.isSettled)
    return oldest && this.retention.deletionInMs(oldest === this.live ? undefined : oldest.lastPath, nowMs)
  }

  *all(): Iterable<Generation> {
    yield* this.reading
    yield* this.done
    yield* this.homeless
  }

  /** The generations last seen in this file, those that are in it now first. */
  ofFile(facts: FileFacts): readonly Generation[] {
    return this.byFile.of(facts)
  }

  /** Takes over what is known of a file from when another path meant it. */
  recall(facts: FileFacts): void {
    for (const record of this.options.recall(facts)) this.#remember(record)
  }

  knows(facts: FileFacts): boolean {
    return this.byFile.of(facts).some(({ place }) => place !== undefined)
  }

  /** Makes sure that what is read is still where it is read from. */
  verify(nowMs: number): void {
    for (const generation of [...this.reading]) {
      if (generation.verify() || !generation.isReplaced) continue
      const isLive = generation === this.live
      this.orphan(generation)
      if (isLive) this.livePath.look(nowMs)
    }
  }

  /** Gives a generation a file beside the live one. */
  settle(generation: Generation, place: Place): void {
    const { size, cursors } = generation
    generation.settleIn(place)
    generation.rotated = true
    this.insert(generation)
    // A copy may have been made before the last bytes were written to what it is a copy of.
    const lost = Math.max(
      0,
      ...[...cursors.values()].map((cursor) => size - Math.max(cursor.position, generation.size)),
    )
    if (lost > 0) reportLoss(this.options.log, generation.origin, lost)
  }

  /** The live generation is no longer at the live path. */
  leave(nowMs: number): void {
    if (!this.live) return
    this.live.rotated = true
    this.live.changedAtMs = nowMs
    this.live = undefined
    this.#isUnordered = true
  }

  /** Its file has been seen under this name. */
  meetAt(generation: Generation, { path, facts }: Place, nowMs: number): void {
    generation.lastPath = path
    if (generation.place) generation.place = { ...generation.place, path }
    generation.observe(facts, nowMs)
    if (!this.done.includes(generation)) return
    if (!generation.finished) this.insert(generation)
    else generation.closeContent()
  }

  /** Makes a generation the live one: its file is at the live path. */
  enthrone(generation: Generation): void {
    generation.rotated = false
    generation.wasLive = true
    generation.finished = false
    this.live = generation
    this.insert(generation)
    this.unseen.live = false
  }

  /** A generation whose content is not known from before. */
  discover(place: Place): Generation {
    const { context, path } = this.options
    const homeless = place.path === path ? [] : this.homeless.filter((generation) => mayHold(place, generation))
    const blank = [...this.ofFile(place.facts), ...homeless].find(isBlank)
    if (blank) return blank
    // The same content gets the same id again after a crash, and so do its batches; other content never does.
    const isReused = place.facts.birth === '0' || this.ofFile(place.facts).length > 0
    const first = Generation.discovered(path, place, { context, salt: isReused ? randomUUID() : '' })
    return this.#isTaken(first.origin.id) ? Generation.discovered(path, place, { context, salt: randomUUID() }) : first
  }

  /** Takes a generation's file away and looks for its content among the siblings. */
  orphan(generation: Generation): void {
    generation.evict()
    this.#remove(generation)
    this.homeless.push(generation)
    this.decisions.reconsider()
    if (this.live === generation) this.live = undefined
    this.scanWanted = true
    this.options.context.onChange()
  }

  /** The content of a homeless generation is nowhere to be found. */
  giveUp(generation: Generation): void {
    if (generation.cursors.isOut) return
    if (generation.unreadBytes > 0) {
      reportLoss(this.options.log, generation.origin, generation.unreadBytes)
      generation.lossReported = true
    } else if (generation.isSettled) generation.finished = true
    this.options.context.onChange()
  }

  /** Forgets what has been gone longest. */
  forgetGone(): void {
    const gone = this.homeless.filter(({ finished, lossReported }) => finished || lossReported)
    for (const old of gone.slice(0, -KEPT_GONE)) {
      this.#remove(old)
      this.byFile.delete(old)
    }
  }

  /** Brings a generation up to date that is not, or perhaps no longer, at the live path. */
  lookAtRotated(generation: Generation, nowMs: number): void {
    if (generation.isArchive) return
    if (!generation.isReplaced) {
      const facts = generation.look()
      if (facts instanceof Fault || !isIdentity(facts, generation.identity)) {
        this.scanWanted = true
        return
      }
      generation.observe(facts, nowMs)
    }
    if (generation.isReplaced) this.orphan(generation)
  }

  /** Homeless until its file is seen. */
  #remember(record: GenerationRecord): void {
    const generation = Generation.recorded(record, this.options.context)
    this.homeless.push(generation)
    this.byFile.put(generation)
  }

  #isTaken(id: string): boolean {
    for (const { origin } of this.all()) if (origin.id === id) return true
    return false
  }

  /** Puts a generation where it belongs in the order of the content. */
  insert(generation: Generation): void {
    this.#remove(generation)
    this.byFile.put(generation)
    startingPosition(generation, this)
    if (generation.lossReported) {
      const { unreadBytes, lastPath } = generation
      takeBackLoss(this.options.log, generation.origin, { bytes: unreadBytes, file: lastPath })
    }
    generation.lossReported = false
    if (!generation.isSettled) generation.finished = false
    if (generation.finished) {
      generation.closeContent()
      this.done.push(generation)
    } else {
      // From now on it can be deleted and is read all the same.
      generation.open()
      generation.learnHead()
      this.reading.push(generation)
      this.#isUnordered = true
    }
    this.options.context.onChange()
  }

  close(): void {
    for (const generation of this.all()) generation.closeContent()
  }

  #remove(generation: Generation): void {
    const isOther = (other: Generation) => other !== generation
    this.reading = this.reading.filter(isOther)
    this.done = this.done.filter(isOther)
    this.homeless = this.homeless.filter(isOther)
  }

  #order(): void {
    this.#isUnordered = false
    const rotated = this.reading.filter((generation) => generation !== this.live)
    const ordered = oldestFirst(rotated, ({ lastPath, mtimeMs }) => ({
      name: parseRotatedName(basename(lastPath), this.livePath.base.name),
      mtimeMs,
    }))
    this.reading = this.live ? [...ordered, this.live] : ordered
  }

  /** Why something cannot be read. */
  get #complaint(): string | undefined {
    const [refused] = this.decisions.refused
    const fault = this.reading.find((generation) => generation.fault)?.fault
    return this.livePath.error ?? fault?.message ?? (refused && textOf(refused))
  }

  /** Something is looked for, or a file that could not be read is tried again. */
  get #isSearching(): boolean {
    if (this.decisions.isDue && !this.#archives.isRunning) return true
    if (performance.now() - this.#scannedAtMs < SEARCH_MS) return false
    return this.homeless.some(({ finished, lossReported }) => !finished && !lossReported)
  }
}

/** Still to be read, and nothing is known of its content. History that was passed over is none: its place would not be read. */
function isBlank({ finished, head, furthest }: Generation): boolean {
  return !finished && head.length === 0 && furthest === 0
}
