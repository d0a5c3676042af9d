import { isIncomplete } from '../file/content.ts'
import { type Fault, type FileFacts, TooEarly } from '../file/files.ts'
import type { Place } from '../file/place.ts'

/** An undecided file is waited for no longer than this. */
const STALE_MS = 600_000
/** Pause before the third attempt, doubled after each. The second is immediate: the first may merely have come too early. */
const FIRST_PAUSE_MS = 1000
const MAX_PAUSE_MS = 30_000

/** A file that cannot be read, and why. */
export interface Unreadable {
  readonly path: string
  readonly reason: string
}

/** A file that could not be identified. Times are monotonic, as the wall clock may be set back. */
interface Undecided extends Unreadable {
  path: string
  readonly facts: FileFacts
  /** `damaged`: an archive that does not inflate completely; `early`: merely not decidable yet. */
  readonly kind: 'damaged' | 'unreadable' | 'early'
  readonly sinceMs: number
  readonly triedAtMs: number
  /** Attempts in a row. */
  readonly tries: number
  isReported: boolean
}

/** Decisions about files that no generation is read from. A decision holds until the file changes. */
export class Decisions {
  #copies = new Set<string>()
  #undecided = new Map<string, Undecided>()
  /** When the present state of files that may still be growing was first seen; monotonic. */
  #sightedMs = new Map<string, number>()

  /** Ignores the file until it changes: it is a copy of content that is read elsewhere. */
  ignore(facts: FileFacts): void {
    this.#copies.add(stateOf(facts))
  }

  /** The file cannot be identified now. It is tried again after a pause; a damaged archive, only once it has changed. */
  postpone({ path, facts }: Place, fault: Fault): void {
    const before = this.#undecided.get(stateOf(facts))
    const triedAtMs = performance.now()
    const kind = kindOf(fault)
    // A damaged archive has been undecided since its last change: one that is still being written has just changed.
    const restMs = kind === 'damaged' ? Math.max(0, Date.now() - facts.mtimeMs) : 0
    this.#undecided.set(stateOf(facts), {
      path,
      facts,
      kind,
      triedAtMs,
      isReported: false,
      reason: fault.message,
      sinceMs: before?.sinceMs ?? triedAtMs - restMs,
      tries: (before?.tries ?? 0) + 1,
    })
  }

  /** Returns how long the file has been seen unchanged. Its modification time does not tell, as it may lie in the future. */
  observeQuietMs(facts: FileFacts): number {
    const nowMs = performance.now()
    const sightedMs = this.#sightedMs.get(stateOf(facts)) ?? nowMs
    this.#sightedMs.set(stateOf(facts), sightedMs)
    return nowMs - sightedMs
  }

  /** The file has been identified and is no longer undecided. */
  clear(facts: FileFacts): void {
    this.#undecided.delete(stateOf(facts))
  }

  isCopy(facts: FileFacts): boolean {
    return this.#copies.has(stateOf(facts))
  }

  /** Whether the file is to be left alone now: it is a copy, or not yet due for another attempt. */
  has(facts: FileFacts): boolean {
    const undecided = this.#undecided.get(stateOf(facts))
    return this.isCopy(facts) || (undecided !== undefined && !isDue(undecided))
  }

  /** Whether some file is due for another attempt. */
  get isDue(): boolean {
    return this.#undecided.values().some(isDue)
  }

  /** Whether content that is sought may be in a file that cannot be read yet. */
  get isWaiting(): boolean {
    return this.#undecided.values().some((undecided) => !isStale(undecided))
  }

  /** Files that could not be read in at least three attempts. */
  get refused(): Iterable<Unreadable> {
    return this.#undecided.values().filter(isRefused)
  }

  /** Yields the refused files that no longer exist; `present`: all files that do. */
  *refusedAndGone(present: readonly Place[]): Iterable<Place & Unreadable> {
    const files = new Set(present.map(({ facts }) => fileOf(facts)))
    for (const undecided of this.#undecided.values())
      if (isRefused(undecided) && !files.has(fileOf(undecided.facts))) yield undecided
  }

  /** Archives no longer expected to be completed. */
  get damaged(): Iterable<Unreadable> {
    return this.#damaged()
  }

  /** Yields the damaged archives that it has not yielded before. */
  *newlyDamaged(): Iterable<Unreadable> {
    for (const undecided of this.#damaged()) {
      if (undecided.isReported) continue
      undecided.isReported = true
      yield undecided
    }
  }

  #damaged(): Iterable<Undecided> {
    return this.#undecided.values().filter((undecided) => undecided.kind === 'damaged' && isStale(undecided))
  }

  /** Forgets which files are copies: one may now be all that is left of its content. */
  reconsider(): void {
    this.#copies.clear()
  }

  /** Forgets the files that are not among `present`, and updates the paths of the others. */
  retain(present: readonly Place[]): void {
    if (this.#copies.size === 0 && this.#undecided.size === 0 && this.#sightedMs.size === 0) return
    const paths = new Map(present.map(({ path, facts }) => [stateOf(facts), path]))
    this.#copies = new Set([...this.#copies].filter((state) => paths.has(state)))
    for (const state of this.#sightedMs.keys()) if (!paths.has(state)) this.#sightedMs.delete(state)
    for (const [state, undecided] of this.#undecided) {
      const path = paths.get(state)
      if (path === undefined) this.#undecided.delete(state)
      else undecided.path = path
    }
  }
}

export function textOf({ path, reason }: Unreadable): string {
  return `${path}: ${reason}`
}

function kindOf(fault: Fault): Undecided['kind'] {
  if (isIncomplete(fault)) return 'damaged'
  return fault instanceof TooEarly ? 'early' : 'unreadable'
}

function isDue({ kind, tries, triedAtMs }: Undecided): boolean {
  const pauseMs = tries === 1 ? 0 : Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 2))
  return kind !== 'damaged' && performance.now() - triedAtMs >= pauseMs
}

function isRefused({ kind, tries }: Undecided): boolean {
  return kind === 'unreadable' && tries > 2
}

/** Whether to stop waiting for the file. One that was merely tried too early is waited for indefinitely. */
function isStale({ kind, sinceMs }: Undecided): boolean {
  return kind !== 'early' && performance.now() - sinceMs >= STALE_MS
}

function fileOf({ dev, ino }: FileFacts): string {
  return `${dev}:${ino}`
}

/** Identifies the state of a file that a decision about it depends on. */
export function stateOf({ dev, ino, size, mtimeMs }: FileFacts): string {
  return `${dev}:${ino}:${size}:${mtimeMs}`
}
