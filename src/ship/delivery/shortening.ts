import { Buffer } from 'node:buffer'
import { createTruncation } from '../../process/truncation.ts'
import { type Batch, batchIdOf, partOf } from '../filling/batch.ts'
import { type DeliveryContext, type Sent, sendUntilDecided } from './delivery.ts'
import { canaryOf } from './evidence.ts'

/** A record too large for its destination, truncated as kube-apiserver would. */
export interface Shortened {
  /** Its index in the batch. */
  readonly index: number
  readonly text: Uint8Array
}

/** Returns undefined if the record would not get shorter: it is not an audit event, or has no bodies. */
export function shorten(batch: Batch, index: number): Shortened | undefined {
  const line = batch.body.recordLine(index)
  const truncation = createTruncation(line.length)
  truncation.push(line)
  const text = truncation.end()
  return text && text.length < line.length ? { index, text } : undefined
}

/**
 * Sends a shortened record under an id of its own, because its bytes differ (I6). Overwrites the records in the batch's body:
 * there is no memory for another body. Also returns `refused` if the body cannot hold the record.
 */
export async function sendShortened(
  batch: Batch,
  { index, text }: Shortened,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<Sent['kind']> {
  const { body, parts } = batch
  const { part, readAtMs } = partOf(batch, index)
  body.reset()
  if (body.appendLine(Buffer.from(text), { origin: part.origin, readAtMs }) !== 'taken') return 'refused'
  body.seal()
  const batchId = batchIdOf(parts, { start: index, end: index + 1 }, 'truncated')
  const sent = await sendUntilDecided({ batchId, pieces: body.slice(0, 1), records: 1, cache: {} }, context, signal)
  if (sent.kind === 'delivered') context.account.evidence.canary = canaryOf(batch, 0)
  return sent.kind
}
