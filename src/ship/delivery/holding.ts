import type { Batch, Range, Settlements } from '../filling/batch.ts'
import { type DeliveryContext, type Sent, sendRange } from './delivery.ts'
import { type Failing, noteFailing } from './lane-account.ts'
import { laneLog } from './lane-log.ts'
import { waitBackoff } from './waiting.ts'

/** A batch that is being delivered. */
export interface Owing {
  readonly batch: Batch
  readonly settlements: Settlements
  /** Set once the batch is refused, until one of its records is accepted. */
  failing: Failing | undefined
}

const HOLDING = 'the destination refuses a RequestReceived event: blocking-strict goes no further until it is accepted'

/**
 * Sends a range. In `blocking-strict`, retries a RequestReceived event until it is accepted, so that nothing overtakes it:
 * kube-apiserver fails the request itself if that event cannot be recorded.
 */
export async function sendOrHold(
  owing: Owing,
  range: Range,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<Sent> {
  const { batch } = owing
  const { account, delivery } = context
  for (let round = 1; ; round += 1) {
    const sent = await sendRange(batch, range, context, signal)
    if (delivery.mode !== 'blocking-strict' || sent.kind === 'delivered' || sent.kind === 'aborted') return sent
    if (!isRequestReceived(batch.body.recordLine(range.start))) return sent
    owing.failing ??= noteFailing(account)
    account.held += 1
    laneLog(context).error(HOLDING, { reason: sent.kind === 'refused' ? sent.verdict.reason : sent.reason })
    const done = await waitBackoff(context, round, signal)
    account.held -= 1
    if (!done) return { kind: 'aborted' }
  }
}

/** False for a record that is not JSON: those of a datadog destination may be any text. */
function isRequestReceived(line: Uint8Array): boolean {
  try {
    return JSON.parse(Buffer.from(line).toString())?.stage === 'RequestReceived'
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
