import { type Batch, batchIdOf, type DeadLettering, type DeadLine, partOf, type Settlements } from '../filling/batch.ts'
import { DEAD_LINE_BYTES } from '../filling/chunk-account.ts'
import type { DeliveryContext } from './delivery.ts'
import type { RefusedRange } from './isolation.ts'
import { noteDecision } from './lane-account.ts'
import { laneLog } from './lane-log.ts'
import { type Shortened, sendShortened, shorten } from './shortening.ts'

export interface RefusalPorts {
  readonly deadLetter: DeadLettering
  /** Called when a record of the batch is accepted in shortened form. */
  accepted(): void
}

const TRUNCATED = 'an event was too large for the destination and is delivered without requestObject and responseObject'

/** Records are copied and stored in slices of about this many bytes, objects included: a batch may hold 100,000 records. */
const SLICE_BYTES = 1_048_576

/**
 * Settles the refused records of a batch: each is accepted in shortened form, or durably in the dead letter. False if
 * aborted first. Afterwards the body may have lost its records.
 */
export async function settleRefused(
  { batch, settlements, refused }: { batch: Batch; settlements: Settlements; refused: readonly RefusedRange[] },
  context: DeliveryContext,
  { deadLetter, accepted }: RefusalPorts,
  signal: AbortSignal,
): Promise<boolean> {
  if (refused.length === 0) return true
  const store = async (dead: readonly RefusedRecord[]): Promise<boolean> => {
    const lines = dead.map(({ line }) => line)
    if (!(await deadLetter(lines, batchIdOf(batch.parts, { start: 0, end: batch.records }), signal))) return false
    for (const { part, bytes } of dead) settlements.deadLettered(part, bytes)
    return true
  }
  const shortenable: ShortenableRecord[] = []
  let slice: RefusedRecord[] = []
  let bytes = 0
  for (const record of recordsOf(batch, refused)) {
    const { line, shortened } = record
    if (shortened) {
      // Such records are large, so the size of a batch bounds their number.
      shortenable.push({ ...record, shortened })
      continue
    }
    slice.push(record)
    bytes += line.line.length + DEAD_LINE_BYTES
    if (bytes < SLICE_BYTES) continue
    if (!(await store(slice))) return false
    slice = []
    bytes = 0
  }
  if (!(await store(slice))) return false
  // Sending these overwrites the body, from which all the others have been stored by now.
  for (const record of shortenable) {
    const sent = await sendShortened(batch, record.shortened, context, signal)
    if (sent === 'aborted') return false
    if (sent === 'delivered') {
      accepted()
      const cut = record.line.line.length - record.shortened.text.length
      settlements.truncated(record.part, Math.min(cut, record.bytes))
      laneLog(context).warn(TRUNCATED, { reason: record.line.reason })
    } else if (!(await store([record]))) return false
  }
  if (refused.some(({ kind }) => kind !== 'exhausted')) noteDecision(context.account)
  return true
}

interface RefusedRecord {
  readonly part: number
  /** Bytes of the file: masks and repairs may have changed the length of the line. */
  readonly bytes: number
  readonly line: DeadLine
  /** Tried before the line is dead-lettered, if the record is too large and can be shortened. */
  readonly shortened: Shortened | undefined
}

type ShortenableRecord = RefusedRecord & { readonly shortened: Shortened }

/** Copies the refused records out of the body, one by one. */
function* recordsOf(batch: Batch, refused: readonly RefusedRange[]): Generator<RefusedRecord> {
  for (const { range, kind, reason, status } of refused) {
    const why = status === undefined ? { reason } : { reason, status }
    for (let index = range.start; index < range.end; index += 1) {
      const { part, bytes, entry } = deadRecord(batch, index, why)
      yield { part, bytes, line: entry, shortened: kind === 'too-large' ? shorten(batch, index) : undefined }
    }
  }
}

/** Returns the dead line for record `index` of a batch, and how many bytes of the file it stands for. */
function deadRecord(
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
