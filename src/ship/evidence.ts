import { Buffer } from 'node:buffer'
import { type Batch, batchIdOf } from './batch.ts'
import type { SendRequest } from './destination.ts'

/**
 * What a destination has accepted, by the order in which its requests began. That a refused record is at fault is proven
 * only by a request that began after the refusal: one that was on its way may have been accepted before the destination
 * began to refuse everything.
 */
export interface Evidence {
  /** Requests that have begun: the clock of all moments. */
  begun: number
  /** Which of the accepted requests began last; 0: none was accepted. */
  accepted: number
  /** A record that was accepted, as a request of its own. */
  canary: Canary | undefined
}

export type Canary = Omit<SendRequest, 'cache'>

export function createEvidence(): Evidence {
  return { begun: 0, accepted: 0, canary: undefined }
}

/** Whether anything was accepted that began after a moment. */
export function isAcceptedSince({ accepted }: Evidence, moment: number): boolean {
  return accepted > moment
}

/** Record `index` of a batch as a request that outlives the batch. */
export function canaryOf({ body, parts }: Batch, index: number): Canary {
  const range = { start: index, end: index + 1 }
  const pieces = body.slice(range.start, range.end).map((piece) => Buffer.from(piece))
  return { batchId: batchIdOf(parts, range), pieces, records: 1 }
}

/** Records that may be dead-lettered in a row with nothing accepted since they were refused. */
export const UNPROVEN_RECORDS = 10

/**
 * Lends so many records a row, whatever batches they lie in. A destination that has begun to refuse everything accepts no
 * request that begins afterwards, so it gets no more than one row.
 */
export function createCredit(evidence: Evidence) {
  let lent = 0
  let lentAt = 0
  return {
    /** Whether so many records may be dead-lettered; counts them if so. */
    take(records: number): boolean {
      if (evidence.accepted === 0) return false
      if (isAcceptedSince(evidence, lentAt)) lent = 0
      if (lent + records > UNPROVEN_RECORDS) return false
      lent += records
      lentAt = evidence.begun
      return true
    },
  }
}
