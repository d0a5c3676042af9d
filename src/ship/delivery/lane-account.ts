import { createEvidence, type Evidence } from './evidence.ts'

/** A lane's counters and health, for the status, and what it remembers of the destination's responses. */
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
  /** One per request being retried and per refused batch; not cleared when other requests are accepted. */
  readonly failing: Set<Failing>
  /** When the first request given up after `max_attempts` began to fail; cleared when a record is accepted or refused for good. */
  givenUpSinceMs: number | undefined
  /** One per batch waiting to be sent again. */
  readonly attemptsDue: Set<{ readonly atMs: number }>
  /** Why delivery is stuck beyond an ordinary retry, according to the last response to any batch. */
  trouble: 'unauthorized' | 'misconfigured' | undefined
  /** Batches waiting for an operator: for room in the dead letter, or, in `blocking-strict`, to be accepted. */
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

/** When the first waiting batch is sent again; undefined if none is waiting. */
export function nextAttemptAtMs({ attemptsDue }: LaneAccount): number | undefined {
  return attemptsDue.size === 0 ? undefined : Math.min(...Array.from(attemptsDue, ({ atMs }) => atMs))
}

interface Accepted {
  readonly records: number
  readonly bytes: number
  readonly encodedBytes: number
  readonly latencyMs: number
}

/** Counts a request that was accepted. */
export function noteDelivered(account: LaneAccount, { records, bytes, encodedBytes, latencyMs }: Accepted): void {
  account.batchesSent += 1
  account.recordsSent += records
  account.bytesSent += bytes
  account.encodedBytesSent += encodedBytes
  account.lastSuccessAtMs = Date.now()
  noteDecision(account)
  account.latency.count += 1
  account.latency.totalMs += latencyMs
  account.latency.peakMs = Math.max(account.latency.peakMs, latencyMs)
}

/** Clears the trouble of a destination that accepted a record, or refused one while accepting others. Keeps `failing`. */
export function noteDecision(account: LaneAccount): void {
  account.givenUpSinceMs = undefined
  account.trouble = undefined
}

/** Records a failure that lasts from now until it is removed from `failing`. */
export function noteFailing({ failing }: LaneAccount): Failing {
  const added = { sinceMs: Date.now() }
  failing.add(added)
  return added
}

/** When the longest-lasting failure began; undefined if nothing is failing. */
export function failingSinceMs({ failing, givenUpSinceMs }: LaneAccount): number | undefined {
  const sinceMs = Math.min(givenUpSinceMs ?? Infinity, ...Array.from(failing, ({ sinceMs }) => sinceMs))
  return sinceMs === Infinity ? undefined : sinceMs
}
