import { isIncomplete } from './content.ts'
import { type Fault, type FileFacts, TooEarly } from './files.ts'
import type { Place } from './place.ts'

/** What cannot be told for this long is waited for no more. */
const STALE_MS = 600_000
/** Before a file that cannot be read is tried a third time, as at first it may only have been too early; then doubled. */
const FIRST_PAUSE_MS = 1000
const MOST_PAUSE_MS = 30_000

/** A file that cannot be read, and why. */
export interface Unreadable {
  readonly path: string
  readonly reason: string
}

/** A file of which it could not be told what it is. Times are those of the monotonic clock, as the other may be set back. */
interface Undecided extends Unreadable {
  path: string
  /** `damaged`: an archive that does not inflate, or not to its end; `early`: it only cannot be told yet. */
  readonly kind: 'damaged' | 'unreadable' | 'early'
  readonly sinceMs: number
  readonly triedAtMs: number
  /** Tries in a row. */
  readonly tries: number
  isReported: boolean
}

/** What was decided about files that no generation is read from. A decision holds until the file changes. */
export class Decisions {
  #copies = new Set<string>()
  #undecided = new Map<string, Undecided>()
  /** Since when files are as they are that may still be written, in the monotonic clock. */
  #sightedMs = new Map<string, number>()

  /** It is a copy of what is read elsewhere. */
  ignore(facts: FileFacts): void {
    this.#copies.add(stateOf(facts))
  }

  /** It cannot be told what it is: it is tried again after a pause, and a damaged archive when it has changed. */
  postpone({ path, facts }: Place, fault: Fault): void {
    const before = this.#undecided.get(stateOf(facts))
    const triedAtMs = performance.now()
    const kind = kindOf(fault)
    // An archive that is still being written has just changed.
    const restMs = kind === 'damaged' ? Math.max(0, Date.now() - facts.mtimeMs) : 0
    this.#undecided.set(stateOf(facts), {
      path,
      kind,
      triedAtMs,
      isReported: false,
      reason: fault.message,
      sinceMs: before?.sinceMs ?? triedAtMs - restMs,
      tries: (before?.tries ?? 0) + 1,
    })
  }

  /** For how long it has been seen to be as it is now, as its modification time may lie in the future. */
  restMs(facts: FileFacts): number {
    const nowMs = performance.now()
    const sightedMs = this.#sightedMs.get(stateOf(facts)) ?? nowMs
    this.#sightedMs.set(stateOf(facts), sightedMs)
    return nowMs - sightedMs
  }

  /** It can be told what it is. */
  clear(facts: FileFacts): void {
    this.#undecided.delete(stateOf(facts))
  }

  isCopy(facts: FileFacts): boolean {
    return this.#copies.has(stateOf(facts))
  }

  /** Nothing is to be found out about it now. */
  has(facts: FileFacts): boolean {
    const undecided = this.#undecided.get(stateOf(facts))
    return this.isCopy(facts) || (undecided !== undefined && !isDue(undecided))
  }

  /** Something is to be tried again. */
  get isDue(): boolean {
    return this.#undecided.values().some(isDue)
  }

  /** What is looked for may be in a file that cannot be read yet. */
  get isWaiting(): boolean {
    return this.#undecided.values().some((undecided) => !isStale(undecided))
  }

  /** What could not be read for some time. */
  get refused(): Iterable<Unreadable> {
    return this.#undecided.values().filter(({ kind, tries }) => kind === 'unreadable' && tries > 2)
  }

  /** Archives that will not be completed any more. */
  get damaged(): Iterable<Unreadable> {
    return this.#damaged()
  }

  /** Of the damaged archives those that were not asked for before. */
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

  /** What was a copy may be all that is left. */
  reconsider(): void {
    this.#copies.clear()
  }

  /** Forgets the files that are not among `present`, and follows the others to their present names. */
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
  const pauseMs = tries === 1 ? 0 : Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 2))
  return kind !== 'damaged' && performance.now() - triedAtMs >= pauseMs
}

/** What is only too early is waited for however long that takes. */
function isStale({ kind, sinceMs }: Undecided): boolean {
  return kind !== 'early' && performance.now() - sinceMs >= STALE_MS
}

/** What a decision about a file depends on. */
export function stateOf({ dev, ino, size, mtimeMs }: FileFacts): string {
  return `${dev}:${ino}:${size}:${mtimeMs}`
}
