import { basename } from 'node:path'
import type { GenerationRecord } from '../../checkpoint/registry.ts'
import { Fault, type FileFacts } from '../file/files.ts'
import { type FileIdentity, isIdentity } from '../file/identity.ts'
import type { Place } from '../file/place.ts'
import { oldestFirst, parseRotatedName } from '../names/rotated-name.ts'
import { ByFile, keyOf } from './by-file.ts'
import { Decisions } from './decisions.ts'
import { discoverGeneration } from './discovered-generation.ts'
import type { Generation } from './generation.ts'
import { generationOf } from './generation-record.ts'
import { notesOf } from './history.ts'
import type { LineageOptions } from './lineage-options.ts'
import { reportLoss, takeBackLoss } from './losses.ts'
import { Start } from './start.ts'

/**
 * How many generations whose files are gone are kept, to be recognised if the files come back, as when a missing volume is
 * mounted: more than the 100 files kube-apiserver keeps, and few enough to be written with every registry.
 */
const KEPT_GONE = 256

/**
 * The generations of a live path, oldest first, kept up to date as their files appear, move and disappear. Before and after
 * each check of the lineage every generation is in exactly one list, and the live one is the only one not `rotated`:
 *
 * | list       | `place` | `finished` | `rotated`     | moved here by                                              |
 * | `reading`  | set     | false      | unless `live` | `makeLive`, `attach`, `foundAt` if it has grown (`insert`) |
 * | `done`     | set     | true       | true          | `finishRotated`, `attach` (`insert`)                       |
 * | `unplaced` | unset   | either     | true          | `detach`, `remember`                                       |
 *
 * `clearLive` leaves the live one in `reading` as rotated. `giveUp` and `Generation.suspect` change `finished` in `unplaced`.
 */
export class Generations {
  readonly options: LineageOptions
  /** Not finished; after `order`, the live one, if any, is last. */
  reading: Generation[] = []
  /** Finished or history, kept so that their files are recognised and not read again. */
  done: Generation[] = []
  /** Recorded or read before, but not at a known place now. */
  unplaced: Generation[] = []
  live: Generation | undefined
  /** Those whose file was in the directory at the last scan. */
  seen: ReadonlySet<Generation> = new Set()
  /** Why the last scan was incomplete: what it did not see may still be there. */
  refusal: Fault | undefined
  readonly byFile = new ByFile()
  /** Decisions about the other files. */
  readonly decisions = new Decisions()
  readonly start: Start
  /** The directory is to be scanned: a file is no longer where it was, or a new one may have appeared. */
  scanWanted = true
  #isUnordered = false

  constructor(options: LineageOptions) {
    this.options = options
    const force = options.source.startPosition.startsWith('force')
    for (const record of force ? [] : options.records) this.remember(record)
    this.start = new Start(options, this.unplaced.length === 0)
  }

  all(): readonly Generation[] {
    return [...this.reading, ...this.done, ...this.unplaced]
  }

  hasId(id: string): boolean {
    return this.byFile.hasId(id)
  }

  /** Returns the generations last seen in this file: first those that have a place, unfinished before finished. */
  ofFile(file: FileIdentity): readonly Generation[] {
    return this.byFile.of(file)
  }

  knows(facts: FileFacts): boolean {
    return this.byFile.of(facts).some(({ place }) => place !== undefined)
  }

  /**
   * Takes over what is recorded of a file under a former path. If the file is already known here, such records are its
   * clone's.
   */
  recall(facts: FileFacts): void {
    if (this.ofFile(facts).length > 0) return
    for (const record of this.options.recall(facts)) this.remember(record)
  }

  /** Adds a recorded generation, unplaced until its file is seen. */
  remember(record: GenerationRecord): void {
    const generation = generationOf(record, this.options.context)
    this.unplaced.push(generation)
    this.byFile.put(generation)
  }

  /** Returns the generation to read from a file with unknown content. */
  discover(place: Place): Generation {
    return discoverGeneration(place, this, this.options)
  }

  /** Makes a generation the live one: its file is at the live path. */
  makeLive(generation: Generation): void {
    generation.rotated = false
    generation.wasLive = true
    generation.finished = false
    this.live = generation
    this.insert(generation)
    this.start.unseen.live = false
  }

  /** The live generation is no longer at the live path. */
  clearLive(): void {
    if (!this.live) return
    this.live.rotated = true
    this.live.changedAtMs = performance.now()
    this.live = undefined
    this.#isUnordered = true
  }

  /** Gives a generation a file beside the live one. */
  attach(generation: Generation, place: Place): void {
    const { size, cursors } = generation
    generation.moveInto(place)
    generation.rotated = true
    this.insert(generation)
    for (const note of notesOf(this, place.facts)) this.#forget(note)
    // A copy may have been made before the last bytes were written to its original.
    const lost = Math.max(
      0,
      ...[...cursors.values()].map((cursor) => size - Math.max(cursor.position, generation.size)),
    )
    if (lost > 0) reportLoss(this.options.log, generation.origin, lost)
  }

  /** Its file has been seen at this path. */
  foundAt(generation: Generation, { path, facts }: Place, nowMs: number): void {
    generation.lastPath = path
    if (generation.isArchive) generation.lastSeenMs = nowMs
    if (generation.place) generation.place = { ...generation.place, path }
    generation.observe(facts, nowMs)
    if (!this.done.includes(generation)) return
    if (!generation.finished) this.insert(generation)
    else generation.rest()
  }

  /** Updates a generation that is not, or perhaps no longer, at the live path. */
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
    if (generation.isReplaced) this.detach(generation)
  }

  /** Puts a generation where it belongs: among the finished, or into the reading order. */
  insert(generation: Generation): void {
    this.#remove(generation)
    this.byFile.put(generation)
    this.start.giveFirstPositions(generation)
    if (generation.lossReported) {
      const { unreadBytes, lastPath } = generation
      takeBackLoss(this.options.log, generation.origin, { bytes: unreadBytes, file: lastPath })
    }
    generation.lossReported = false
    if (!generation.isSettled) generation.finished = false
    if (generation.finished) {
      generation.rest()
      this.done.push(generation)
    } else {
      // While it is held open, it is read even if its file is deleted.
      generation.open()
      generation.learnHead()
      this.reading.push(generation)
      this.#isUnordered = true
    }
    this.options.context.onChange()
  }

  /** Detaches a generation from its file, so that its content is looked for among the siblings. */
  detach(generation: Generation): void {
    generation.evict()
    this.#remove(generation)
    this.unplaced.push(generation)
    this.decisions.reconsider()
    if (this.live === generation) this.live = undefined
    this.scanWanted = true
    this.options.context.onChange()
  }

  /** The content of an unplaced generation is nowhere to be found. */
  giveUp(generation: Generation): void {
    if (generation.cursors.isOut) return
    // If all destinations are new, none has read any of it: they start at its first byte should it come back.
    if (generation.cursors.size === 0) this.start.giveFirstPositions(generation)
    if (generation.unreadBytes > 0) {
      reportLoss(this.options.log, generation.origin, generation.unreadBytes)
      generation.lossReported = true
    } else if (generation.isSettled) generation.finished = true
    this.options.context.onChange()
  }

  /**
   * Forgets the generations gone longest, except those that may be in one of the `unknown` files, which could not be
   * examined.
   */
  forgetGone(unknown: readonly FileFacts[]): void {
    const kept = new Set(unknown.map(keyOf))
    const gone = this.unplaced
      .filter(({ finished, lossReported }) => finished || lossReported)
      .filter(({ identity }) => !kept.has(keyOf(identity)))
      .sort((a, b) => a.lastSeenMs - b.lastSeenMs)
    for (const old of gone.slice(0, -KEPT_GONE)) this.#forget(old)
  }

  /** Restores the reading order after insertions; `liveName`: the live file's name, from which rotated names derive. */
  order(liveName: string): void {
    if (!this.#isUnordered) return
    this.#isUnordered = false
    const rotated = this.reading.filter((generation) => generation !== this.live)
    const ordered = oldestFirst(rotated, ({ lastPath, mtimeMs }) => ({
      name: parseRotatedName(basename(lastPath), liveName),
      mtimeMs,
    }))
    this.reading = this.live ? [...ordered, this.live] : ordered
  }

  close(): void {
    for (const generation of this.all()) generation.closeContent()
  }

  #forget(generation: Generation): void {
    this.#remove(generation)
    this.byFile.delete(generation)
  }

  #remove(generation: Generation): void {
    this.reading = without(generation, this.reading)
    this.done = without(generation, this.done)
    this.unplaced = without(generation, this.unplaced)
  }
}

/** Copies nothing if it is not there: there may be thousands, and one is removed at a time. */
function without(generation: Generation, generations: Generation[]): Generation[] {
  const index = generations.indexOf(generation)
  return index < 0 ? generations : generations.toSpliced(index, 1)
}
