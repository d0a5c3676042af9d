import { Buffer } from 'node:buffer'
import { createTruncation } from '../process/truncation.ts'
import { type Batch, batchIdOf, partOf } from './batch.ts'
import { type DeliveryContext, type Sent, sendUntilDecided } from './delivery.ts'

/** A record that is too large for its destination, as kube-apiserver would truncate it. */
export interface Shortened {
  /** Its record in the batch. */
  readonly index: number
  readonly text: Uint8Array
}

/** Undefined where nothing would get shorter: no audit event, or one without bodies. */
export function shorten(batch: Batch, index: number): Shortened | undefined {
  const line = batch.body.recordLine(index)
  const truncation = createTruncation(line.length)
  truncation.push(line)
  const text = truncation.end()
  return text && text.length < line.length ? { index, text } : undefined
}

/**
 * Sends a shortened record under an id of its own, as its bytes are others (I6). Uses the body of the batch, whose records
 * are gone afterwards: memory has room for no other body. `refused` also where the body cannot carry it.
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
  return sent.kind
}
