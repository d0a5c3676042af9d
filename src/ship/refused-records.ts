import { type Batch, batchIdOf, type DeadLine, type Settlements } from './batch.ts'
import type { Bury } from './burial.ts'
import { type DeliveryContext, deadRecord, noteDecision } from './delivery.ts'
import type { RefusedRange } from './isolation.ts'
import { type Shortened, sendShortened, shorten } from './shortening.ts'

export interface RefusalPorts {
  readonly bury: Bury
  /** A record of the batch was accepted in shortened form. */
  accepted(): void
}

/**
 * Settles the refused records of a batch: accepted in shortened form, or durably in the dead letter. False if aborted first.
 * The records in the body are gone afterwards.
 */
export async function settleRefused(
  { batch, settlements, refused }: { batch: Batch; settlements: Settlements; refused: readonly RefusedRange[] },
  context: DeliveryContext,
  { bury, accepted }: RefusalPorts,
  signal: AbortSignal,
): Promise<boolean> {
  if (refused.length === 0) return true
  const records = refused.flatMap((range) => recordsOf(batch, range))
  const dead: RefusedRecord[] = []
  for (const record of records) {
    const sent = record.shortened && (await sendShortened(batch, record.shortened, context, signal))
    if (sent === 'aborted') return false
    if (sent === 'delivered') {
      accepted()
      settlements.truncated(record.part, record.line.line.length - (record.shortened?.text.length ?? 0))
      noteTruncated(context, record.line.reason)
    } else dead.push(record)
  }
  const lines = dead.map(({ line }) => line)
  if (!(await bury(lines, batchIdOf(batch.parts, { start: 0, end: batch.records }), signal))) return false
  if (refused.some(({ kind }) => kind !== 'exhausted')) noteDecision(context.account)
  for (const { part, line } of dead) settlements.deadLettered(part, line.line.length + 1)
  return true
}

interface RefusedRecord {
  readonly index: number
  readonly part: number
  readonly line: DeadLine
  /** The form to try before dead-lettering the record. */
  readonly shortened: Shortened | undefined
}

/** Everything needed about refused records, as copies. */
function recordsOf(batch: Batch, { range, kind, reason, status }: RefusedRange): RefusedRecord[] {
  const why = status === undefined ? { reason } : { reason, status }
  return Array.from({ length: range.end - range.start }, (_, offset) => {
    const index = range.start + offset
    const { part, entry } = deadRecord(batch, index, why)
    return { index, part, line: entry, shortened: kind === 'too-large' ? shorten(batch, index) : undefined }
  })
}

function noteTruncated({ destination: { name }, log }: DeliveryContext, reason: string): void {
  log.warn(
    { key: `truncated:${name}`, destination: name, reason },
    'an event was too large for the destination and is delivered without requestObject and responseObject',
  )
}
