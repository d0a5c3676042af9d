import { Buffer } from 'node:buffer'
import type { SendRequest } from '../destination.ts'
import type { Batch } from '../filling/batch.ts'

/**
 * What a destination has accepted, ordered by when its requests began. Only a request that began after a refusal proves that
 * the refused record is at fault: one already in flight may have been accepted before the destination began to refuse
 * everything.
 */
export interface Evidence {
  /** Requests begun so far; the clock for all moments. */
  begun: number
  /** The moment at which the latest accepted request began; 0 if none was accepted. */
  accepted: number
  /** An accepted record, as a request of its own. */
  canary: Canary | undefined
}

export type Canary = Pick<SendRequest, 'pieces' | 'records'>

export function createEvidence(): Evidence {
  return { begun: 0, accepted: 0, canary: undefined }
}

/** Whether a request that began after `moment` was accepted. */
export function isAcceptedSince({ accepted }: Evidence, moment: number): boolean {
  return accepted > moment
}

/** Copies record `index` of a batch into a request that outlives the batch. */
export function canaryOf({ body }: Batch, index: number): Canary {
  return { pieces: body.slice(index, index + 1).map((piece) => Buffer.from(piece)), records: 1 }
}

/** How many consecutive records may be dead-lettered with nothing accepted since they were refused. */
export const UNPROVEN_RECORDS = 10

/**
 * Extends credit for `UNPROVEN_RECORDS` consecutive records across all batches. A destination that has begun to refuse
 * everything accepts no request that begins afterwards, so it gets the credit at most once.
 */
export function createCredit(evidence: Evidence) {
  let lent = 0
  let lentAt = 0
  return {
    /** Whether `records` more may be dead-lettered; counts them if so. */
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
