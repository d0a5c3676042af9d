import { isIncomplete } from '../file/content.ts'
import { type Fault, type FileFacts, TooEarly } from '../file/files.ts'
import type { Place } from '../file/place.ts'

/** A file undecided for this long is no longer waited for. */
const STALE_MS = 600_000
/** Pause before the third attempt, then doubled. The second is immediate: the first may only have been too early. */
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
  /** Since when files that may still be written have been seen unchanged; monotonic. */
  #sightedMs = new Map<string, number>()

  /** The file is a copy of content read elsewhere. */
  ignore(facts: FileFacts): void {
    this.#copies.add(stateOf(facts))
  }

  /** The file cannot be identified now: it is tried again after a pause, a damaged archive only when it has changed. */
  postpone({ path, facts }: Place, fault: Fault): void {
    const before = this.#undecided.get(stateOf(facts))
    const triedAtMs = performance.now()
    const kind = kindOf(fault)
    // Counts from the last change: an archive that is still being written has just changed.
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

  /** How long the file has been seen unchanged; its modification time may lie in the future. */
  observeQuietMs(facts: FileFacts): number {
    const nowMs = performance.now()
    const sightedMs = this.#sightedMs.get(stateOf(facts)) ?? nowMs
    this.#sightedMs.set(stateOf(facts), sightedMs)
    return nowMs - sightedMs
  }

  /** The file has been identified. */
  clear(facts: FileFacts): void {
    this.#undecided.delete(stateOf(facts))
  }

  isCopy(facts: FileFacts): boolean {
    return this.#copies.has(stateOf(facts))
  }

  /** It is decided, or not yet due for another attempt. */
  has(facts: FileFacts): boolean {
    const undecided = this.#undecided.get(stateOf(facts))
    return this.isCopy(facts) || (undecided !== undefined && !isDue(undecided))
  }

  /** Some file is due for another attempt. */
  get isDue(): boolean {
    return this.#undecided.values().some(isDue)
  }

  /** Content that is looked for may be in a file that cannot be read yet. */
  get isWaiting(): boolean {
    return this.#undecided.values().some((undecided) => !isStale(undecided))
  }

  /** Files that could not be read for some time. */
  get refused(): Iterable<Unreadable> {
    return this.#undecided.values().filter(isRefused)
  }

  /** Those of them that are not among all files there are. */
  *refusedAndGone(present: readonly Place[]): Iterable<Place & Unreadable> {
    const files = new Set(present.map(({ facts }) => fileOf(facts)))
    for (const undecided of this.#undecided.values())
      if (isRefused(undecided) && !files.has(fileOf(undecided.facts))) yield undecided
  }

  /** Archives no longer expected to be completed. */
  get damaged(): Iterable<Unreadable> {
    return this.#damaged()
  }

  /** The damaged archives not returned before. */
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

  /** A copy may now be all that is left of its content. */
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

/** A file that is merely too early is waited for indefinitely. */
function isStale({ kind, sinceMs }: Undecided): boolean {
  return kind !== 'early' && performance.now() - sinceMs >= STALE_MS
}

function fileOf({ dev, ino }: FileFacts): string {
  return `${dev}:${ino}`
}

/** What a decision about a file depends on. */
export function stateOf({ dev, ino, size, mtimeMs }: FileFacts): string {
  return `${dev}:${ino}:${size}:${mtimeMs}`
}
