import type { Cursor } from '../cursor/cursor.ts'
import { textOf } from '../generation/decisions.ts'
import { Generations } from '../generation/generations.ts'
import type { LineageOptions } from '../generation/lineage-options.ts'
import { reportDamage } from '../generation/losses.ts'
import { ArchiveSearch } from './archive-search.ts'
import { type Complaint, createComplaint } from './complaint.ts'
import { finishRotated, isWatched } from './finishing.ts'
import { LivePath } from './live-path.ts'
import { Retention } from './retention.ts'
import { scanSiblings } from './siblings.ts'

/** Shortest time between two scans while something is looked for, unless something happens in the directory. */
const SEARCH_MS = 200
/** A live file that changed this recently is checked often. */
const ACTIVE_MS = 10_000

/**
 * A live path and the generations of its content. `check` brings it up to date with the file system: it may be called at
 * any time, and learns everything by looking (wake-ups only say when).
 */
export class Lineage {
  readonly options: LineageOptions
  readonly generations: Generations
  readonly livePath: LivePath
  readonly #retention = new Retention()
  readonly #archives: ArchiveSearch
  readonly #complain: Complaint
  #scannedAtMs = Number.NEGATIVE_INFINITY

  constructor(options: LineageOptions) {
    this.options = options
    this.generations = new Generations(options)
    this.livePath = new LivePath(this.generations)
    this.#archives = new ArchiveSearch(this.generations)
    this.#complain = createComplaint(options.path, options.log)
  }

  /**
   * Returns the first cursor of a destination that has something to read, oldest content first. While archives found at the
   * start are inspected, no generation is begun for a moment, as their content may come before it.
   */
  nextCursor(destination: string): Cursor | undefined {
    for (const generation of this.generations.reading) {
      if (!generation.place || generation.isReplaced) continue
      const cursor = generation.cursors.get(destination)
      if (cursor?.hasUnread) return this.#archives.isHolding && cursor.position === 0 ? undefined : cursor
    }
    return undefined
  }

  /** Whether something is going on that calls for frequent checks. */
  get isActive(): boolean {
    const { live, reading } = this.generations
    return (
      this.livePath.missing > 0 ||
      reading.some((generation) => generation !== live && !isWatched(generation)) ||
      (live !== undefined && (live.isReplaced || performance.now() - live.changedAtMs < ACTIVE_MS))
    )
  }

  check(nowMs: number): void {
    const { generations, livePath } = this
    livePath.look(nowMs)
    for (const generation of generations.reading) {
      if (generation !== generations.live) generations.lookAtRotated(generation, nowMs)
    }
    for (const generation of generations.reading) generation.learnHead()
    if (generations.scanWanted || livePath.hasArrival || this.#isSearching) this.#scan(nowMs)
    for (const generation of generations.reading) generation.retry()
    finishRotated(generations)
    generations.order(livePath.base.name)
    for (const damaged of generations.decisions.newlyDamaged()) reportDamage(this.options.log, damaged)
    this.#complain(this.#complaint)
  }

  /** Makes the next check scan the directory. */
  wantScan(): void {
    this.generations.scanWanted = true
  }

  #scan(nowMs: number): void {
    const { generations, livePath } = this
    generations.scanWanted = false
    this.#scannedAtMs = performance.now()
    const isFirst = generations.start.isFirstScan
    this.#archives.begin(scanSiblings({ generations, livePath, retention: this.#retention }, nowMs), isFirst)
  }

  /** Whether its recorded generations have been looked for where they may be. */
  get hasScanned(): boolean {
    return this.#scannedAtMs !== Number.NEGATIVE_INFINITY
  }

  /** Resolves when archives found by the last check are decided. */
  async idle(): Promise<void> {
    await this.#archives.idle()
  }

  /** Whether files beside the live path are still being inspected or waited for. */
  get isUndecided(): boolean {
    return this.#archives.isRunning || this.generations.decisions.isWaiting
  }

  /** Returns the expected time until the oldest unsettled generation is deleted; undefined while unknown. */
  deletionInMs(nowMs: number): number | undefined {
    const { live, reading } = this.generations
    const oldest = reading.find((generation) => !generation.isSettled)
    return oldest && this.#retention.deletionInMs(oldest === live ? undefined : oldest.lastPath, nowMs)
  }

  close(): void {
    this.generations.close()
  }

  /** Why something cannot be read; undefined if everything can. */
  get #complaint(): string | undefined {
    const { decisions, reading, refusal } = this.generations
    const [refused] = decisions.refused
    const fault = reading.find((generation) => generation.fault)?.fault
    return this.livePath.error ?? (fault ?? refusal)?.message ?? (refused && textOf(refused))
  }

  /** Whether something is being looked for, or a file that could not be read is due for another attempt. */
  get #isSearching(): boolean {
    const { decisions, unplaced } = this.generations
    if (decisions.isDue && !this.#archives.isRunning) return true
    if (performance.now() - this.#scannedAtMs < SEARCH_MS) return false
    return unplaced.some(({ finished, lossReported }) => !finished && !lossReported)
  }
}
