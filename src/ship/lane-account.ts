import { createEvidence, type Evidence } from './evidence.ts'

/** What a lane has done and how it fares, for status; and the memory of what its destination last answered. */
export interface LaneAccount {
  inFlight: number
  inFlightBytes: number
  batchesSent: number
  recordsSent: number
  bytesSent: number
  encodedBytesSent: number
  retries: number
  retryTimeMs: number
  deadLetteredRecords: number
  lastSuccessAtMs: number | undefined
  lastError: { readonly atMs: number; readonly message: string } | undefined
  /** One for each request that is tried again and each batch that was refused; what is accepted beside it does not end it. */
  readonly failing: Set<Failing>
  /** Since when that failed which was given up first after `max_attempts`; until anything is accepted, or refused for good. */
  givenUpSinceMs: number | undefined
  /** One for each batch that waits to be sent again. */
  readonly attemptsDue: Set<{ readonly atMs: number }>
  /** Why nothing moves, beyond an ordinary retry, by the last answer to any batch. */
  trouble: 'unauthorized' | 'misconfigured' | undefined
  /** Batches that wait for an operator: for room in the dead letter, or in `blocking-strict` for being accepted. */
  held: number
  readonly evidence: Evidence
  readonly latency: { count: number; totalMs: number; peakMs: number }
  stopped: boolean
}

export interface Failing {
  readonly sinceMs: number
}

export function createLaneAccount(): LaneAccount {
  return {
    inFlight: 0,
    inFlightBytes: 0,
    batchesSent: 0,
    recordsSent: 0,
    bytesSent: 0,
    encodedBytesSent: 0,
    retries: 0,
    retryTimeMs: 0,
    deadLetteredRecords: 0,
    lastSuccessAtMs: undefined,
    lastError: undefined,
    failing: new Set(),
    givenUpSinceMs: undefined,
    attemptsDue: new Set(),
    trouble: undefined,
    held: 0,
    evidence: createEvidence(),
    latency: { count: 0, totalMs: 0, peakMs: 0 },
    stopped: false,
  }
}

/** When the first of the batches that wait is sent again; undefined: none waits. */
export function nextAttemptAtMs({ attemptsDue }: LaneAccount): number | undefined {
  return attemptsDue.size === 0 ? undefined : Math.min(...Array.from(attemptsDue, ({ atMs }) => atMs))
}

/** Something fails from now on, until it is taken out of `failing`. */
export function noteFailing({ failing }: LaneAccount): Failing {
  const added = { sinceMs: Date.now() }
  failing.add(added)
  return added
}

/** Since when that fails which has failed longest; undefined: nothing fails. */
export function failingSinceMs({ failing, givenUpSinceMs }: LaneAccount): number | undefined {
  const sinceMs = Math.min(givenUpSinceMs ?? Infinity, ...Array.from(failing, ({ sinceMs }) => sinceMs))
  return sinceMs === Infinity ? undefined : sinceMs
}
