import type { PositionRecord } from '../../checkpoint/registry.ts'
import type { Skipped } from '../../chunk.ts'

type Counts = Pick<PositionRecord, 'deadLetteredBytes' | 'skippedBytes'>

interface Ended {
  readonly deadLetteredBytes: number
  readonly truncatedBytes: number
  readonly skipped: Skipped
}

/** What became of the bytes before a position (I4): dead-lettered, skipped for a reason, or else delivered. */
export interface ByteAccount {
  /** The position advanced by `length` bytes, not all of which were delivered. */
  pass(length: number, ended: Ended): void
  counts(): Counts
}

export function createByteAccount(from: Counts): ByteAccount {
  let { deadLetteredBytes } = from
  const skippedBytes: Record<string, number> = { ...from.skippedBytes }
  return {
    pass(length, ended) {
      // `ended` may count the newline appended to the last line of a finished file, which is not a byte of the file.
      let left = length
      const truncated = (ended.skipped.truncated ?? 0) + ended.truncatedBytes
      for (const [reason, bytes] of Object.entries({ ...ended.skipped, ...(truncated > 0 ? { truncated } : {}) })) {
        const counted = Math.min(bytes, left)
        skippedBytes[reason] = (skippedBytes[reason] ?? 0) + counted
        left -= counted
      }
      deadLetteredBytes += Math.min(ended.deadLetteredBytes, left)
    },
    counts: () => ({ deadLetteredBytes, skippedBytes: { ...skippedBytes } }),
  }
}
