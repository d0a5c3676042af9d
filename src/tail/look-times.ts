import { TICK_MS } from './rounds.ts'

/** A look for new files without a wake-up: so often, or less so where there are many directories to look at. */
const DISCOVERY_MS = 1000
const DISCOVERY_MS_PER_DIRECTORY = 5
const MOST_DISCOVERY_MS = 10_000

/** When to find out which files there are, by the monotonic clock. */
export interface LookTimes {
  isDue(atMs: number): boolean
  /** An event asks for a look. */
  wish(): void
  /** When the look that was asked for is due; infinite when none was. */
  readonly wishedAtMs: number
  /** There was a look, which found so many directories. */
  looked(directories: number): void
}

export function createLookTimes(): LookTimes {
  let lookAtMs = 0
  let lookedAtMs = 0
  let wishedAtMs = Number.POSITIVE_INFINITY
  return {
    // A tick that is about to come may as well bring the look.
    isDue: (atMs) => atMs >= Math.min(wishedAtMs, lookAtMs - TICK_MS / 2),
    wish() {
      wishedAtMs = Math.min(wishedAtMs, lookedAtMs + TICK_MS)
    },
    get wishedAtMs() {
      return wishedAtMs
    },
    looked(directories) {
      const pause = Math.max(DISCOVERY_MS, directories * DISCOVERY_MS_PER_DIRECTORY)
      lookedAtMs = performance.now()
      lookAtMs = lookedAtMs + Math.min(pause, MOST_DISCOVERY_MS)
      wishedAtMs = Number.POSITIVE_INFINITY
    },
  }
}
