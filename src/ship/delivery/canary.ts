import { randomUUID } from 'node:crypto'
import { type DeliveryContext, sendUntilDecided } from './delivery.ts'
import type { ProbeResult } from './isolation.ts'
import { laneLog } from './lane-log.ts'

/** Sends an accepted record again, under a new id: a receiver may accept an id that it knows, whatever else it refuses. */
export async function askAgain(context: DeliveryContext, signal: AbortSignal): Promise<ProbeResult> {
  const { canary } = context.account.evidence
  if (!canary) return 'unknown'
  const batchId = randomUUID().replaceAll('-', '')
  laneLog(context).info('a record that was accepted is sent again, to learn whether anything is accepted still')
  const sent = await sendUntilDecided({ ...canary, batchId, cache: {} }, context, signal)
  if (sent.kind === 'aborted') return 'aborted'
  return sent.kind === 'delivered' ? 'accepted' : 'refused'
}
