import type { DeliveryConfig } from '../../config/config.ts'
import type { Log } from '../../log.ts'
import type { Destination, SendRequest, Verdict } from '../destination.ts'
import { type Batch, batchIdOf, type Range } from '../filling/batch.ts'
import { lengthOf } from '../http/outgoing-body.ts'
import type { Throttle } from '../throttle.ts'
import { canaryOf } from './evidence.ts'
import { type Failing, type LaneAccount, noteDelivered, noteFailing } from './lane-account.ts'
import { laneLog } from './lane-log.ts'
import { raiseFloor, waitBackoff, waitTurn } from './waiting.ts'

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
        if (attempt > 1) laneLog(context).info('a batch that was sent again is accepted', { attempts: attempt })
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

/** Any response but an acceptance. */
type Unaccepted = Exclude<Verdict, { kind: 'delivered' }>

export function noteError(account: LaneAccount, verdict: Unaccepted): void {
  account.lastError = { atMs: Date.now(), message: verdict.reason }
  if (verdict.kind === 'retry') account.trouble = verdict.unauthorized ? 'unauthorized' : undefined
}

function noteFailure(context: DeliveryContext, verdict: Unaccepted): void {
  noteError(context.account, verdict)
  laneLog(context).warn(failureMessage(verdict), { reason: verdict.reason })
}

function failureMessage(verdict: Unaccepted): string {
  if (verdict.kind !== 'retry') return 'a batch was refused; looking for the record that is refused'
  return verdict.unauthorized
    ? 'the destination does not accept the credentials: nothing is dropped, the batch is sent again; check the key or token'
    : 'a batch was not accepted and is sent again'
}
