import { setTimeout as sleep } from 'node:timers/promises'
import type { DeliveryConfig } from '../../config/config.ts'
import type { Log } from '../../log.ts'
import type { Destination, SendRequest, Verdict } from '../destination.ts'
import { type Batch, batchIdOf, type DeadLine, partOf, type Range } from '../filling/batch.ts'
import { lengthOf } from '../http/outgoing-body.ts'
import type { Throttle } from '../throttle.ts'
import { nextDelayMs } from './backoff.ts'
import { canaryOf } from './evidence.ts'
import { type Failing, type LaneAccount, noteDelivered, noteFailing } from './lane-account.ts'

export interface DeliveryContext {
  readonly destination: Destination
  readonly delivery: DeliveryConfig
  readonly throttle: Throttle
  readonly account: LaneAccount
  readonly log: Log
  /** The Retry-After of any response applies to every batch of the destination. Monotonic clock. */
  readonly floor: { notBeforeMs: number }
}

/** The final outcome of a request. `aborted`: the lane is stopping and the outcome is unknown. */
export type Sent =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly verdict: Refusal }
  | { readonly kind: 'exhausted'; readonly reason: string }
  | { readonly kind: 'aborted' }

export type Refusal = Extract<Verdict, { kind: 'too-large' | 'rejected' }>

/** Sends a range of records until the destination accepts or refuses them, or the attempts run out. */
export async function sendRange(
  batch: Batch,
  range: Range,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<Sent> {
  const request = {
    batchId: batchIdOf(batch.parts, range),
    pieces: batch.body.slice(range.start, range.end),
    records: range.end - range.start,
    cache: {},
  }
  const sent = await sendUntilDecided(request, context, signal)
  if (sent.kind === 'delivered') context.account.evidence.canary = canaryOf(batch, range.start)
  return sent
}

/** Every attempt takes one token from the bucket and sends the same bytes under the same id (I6). */
export async function sendUntilDecided(
  request: SendRequest,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<Sent> {
  const { account, delivery, destination } = context
  const { evidence } = account
  let failing: Failing | undefined
  try {
    for (let attempt = 1; ; attempt += 1) {
      if (!(await waitTurn(context, signal))) return { kind: 'aborted' }
      const startedAtMs = performance.now()
      evidence.begun += 1
      const began = evidence.begun
      const verdict = await destination.send(request, signal)
      if (verdict.kind === 'delivered') {
        evidence.accepted = Math.max(evidence.accepted, began)
        noteDelivered(account, {
          records: request.records,
          bytes: lengthOf(request.pieces),
          encodedBytes: verdict.sentBytes,
          latencyMs: performance.now() - startedAtMs,
        })
        if (attempt > 1) noteRecovery(context, attempt)
        return verdict
      }
      if (signal.aborted) return { kind: 'aborted' }
      noteFailure(context, verdict)
      if (verdict.kind !== 'retry') return { kind: 'refused', verdict }
      failing ??= noteFailing(account)
      raiseFloor(context, verdict)
      if (attempt === delivery.maxAttempts) {
        account.givenUpSinceMs ??= failing.sinceMs
        return { kind: 'exhausted', reason: verdict.reason }
      }
      if (!(await waitBackoff(context, attempt, signal))) return { kind: 'aborted' }
    }
  } finally {
    if (failing) account.failing.delete(failing)
    request.cache.frame?.release()
  }
}

/** Waits for Retry-After and for a token; false if aborted first. */
export async function waitTurn({ floor, throttle }: DeliveryContext, signal: AbortSignal): Promise<boolean> {
  do {
    if (!(await waitUntil(floor.notBeforeMs, signal))) return false
    try {
      await throttle.take(signal)
    } catch (error) {
      if (signal.aborted) return false
      throw error
    }
  } while (floor.notBeforeMs > performance.now())
  return !signal.aborted
}

export function raiseFloor(
  { floor }: DeliveryContext,
  { retryAfterMs = 0 }: Extract<Verdict, { kind: 'retry' }>,
): void {
  floor.notBeforeMs = Math.max(floor.notBeforeMs, performance.now() + retryAfterMs)
}

/** The delay after `attempt` consecutive failures. */
function backoffMs({ initialBackoffMs, backoffFactor, maxBackoffMs }: DeliveryConfig, attempt: number): number {
  return nextDelayMs({
    attempt,
    initialMs: initialBackoffMs,
    factor: backoffFactor,
    maxMs: maxBackoffMs,
    random: Math.random,
  })
}

/** Waits before the attempt that follows `attempt` failures, and counts it as a retry that is due; false if aborted first. */
export async function waitBackoff(
  { delivery, account, floor }: DeliveryContext,
  attempt: number,
  signal: AbortSignal,
): Promise<boolean> {
  const nowMs = performance.now()
  const untilMs = Math.max(nowMs + backoffMs(delivery, attempt), floor.notBeforeMs)
  const due = { atMs: Date.now() + untilMs - nowMs }
  account.retries += 1
  account.attemptsDue.add(due)
  const done = await waitUntil(untilMs, signal)
  account.retryTimeMs += performance.now() - nowMs
  account.attemptsDue.delete(due)
  return done
}

/**
 * Waits until `atMs` on the monotonic clock, which cannot be set; false if aborted first. Waits in steps, as a timer holds at
 * most 24.8 days.
 */
export async function waitUntil(atMs: number, signal: AbortSignal): Promise<boolean> {
  for (let leftMs = atMs - performance.now(); leftMs > 0 && !signal.aborted; leftMs = atMs - performance.now()) {
    await sleep(Math.min(leftMs, 2 ** 30), undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
  return !signal.aborted
}

/** Any response but an acceptance. */
type Unaccepted = Exclude<Verdict, { kind: 'delivered' }>

export function noteError(account: LaneAccount, verdict: Unaccepted): void {
  account.lastError = { atMs: Date.now(), message: verdict.reason }
  if (verdict.kind === 'retry') account.trouble = verdict.unauthorized ? 'unauthorized' : undefined
}

function noteFailure({ account, destination, log }: DeliveryContext, verdict: Unaccepted): void {
  noteError(account, verdict)
  const message = failureMessage(verdict)
  log.warn({ key: `${message}:${destination.name}`, destination: destination.name, reason: verdict.reason }, message)
}

function failureMessage(verdict: Unaccepted): string {
  if (verdict.kind !== 'retry') return 'a batch was refused; looking for the record that is refused'
  return verdict.unauthorized
    ? 'the destination does not accept the credentials: nothing is dropped, the batch is sent again; check the key or token'
    : 'a batch was not accepted and is sent again'
}

function noteRecovery({ destination, log }: DeliveryContext, attempts: number): void {
  const message = 'a batch that was sent again is accepted'
  log.info({ key: `${message}:${destination.name}`, destination: destination.name, attempts }, message)
}

/** A dead line for record `index` of a batch, and how many bytes of the file it stands for. */
export function deadRecord(
  batch: Batch,
  index: number,
  why: { reason: string; status?: number },
): { part: number; bytes: number; entry: DeadLine } {
  const { part, number, from } = partOf(batch, index)
  const { origin, span } = part
  return {
    part: number,
    bytes: batch.body.recordBytes(index),
    entry: {
      ...why,
      path: origin.path,
      generation: origin.id,
      ...span,
      record: index - from,
      line: batch.body.recordLine(index),
    },
  }
}
