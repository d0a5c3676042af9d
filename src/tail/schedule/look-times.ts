import { TICK_MS } from './rounds.ts'

/** Time between looks for new files without a wake-up; longer if there are many directories. */
const DISCOVERY_MS = 1000
const DISCOVERY_MS_PER_DIRECTORY = 5
const MAX_DISCOVERY_MS = 10_000

/** When to look for new files, by the monotonic clock. */
export interface LookTimes {
  isDue(atMs: number): boolean
  /** Makes the next pass look. */
  force(): void
  /** An event asks for a look. */
  request(): void
  /** When the requested look is due; infinite if none was requested. */
  readonly requestedAtMs: number
  /** A look took place and found this many directories. */
  looked(directories: number): void
}

export function createLookTimes(): LookTimes {
  let lookAtMs = 0
  let lookedAtMs = 0
  let requestedAtMs = Number.POSITIVE_INFINITY
  return {
    // Up to half a tick early, so that the look can share a tick.
    isDue: (atMs) => atMs >= Math.min(requestedAtMs, lookAtMs - TICK_MS / 2),
    force() {
      lookAtMs = 0
    },
    request() {
      requestedAtMs = Math.min(requestedAtMs, lookedAtMs + TICK_MS)
    },
    get requestedAtMs() {
      return requestedAtMs
    },
    looked(directories) {
      const pause = Math.max(DISCOVERY_MS, directories * DISCOVERY_MS_PER_DIRECTORY)
      lookedAtMs = performance.now()
      lookAtMs = lookedAtMs + Math.min(pause, MAX_DISCOVERY_MS)
      requestedAtMs = Number.POSITIVE_INFINITY
    },
  }
}
