import type { Skipped } from '../block.ts'
import type { PositionRecord } from '../checkpoint/registry.ts'

type Counts = Pick<PositionRecord, 'deadLetteredBytes' | 'skippedBytes'>

interface Ended {
  readonly deadLetteredBytes: number
  readonly truncatedBytes: number
  readonly skipped: Skipped
}

/** How the bytes before a position ended (I4): dead-lettered, skipped for a reason, or else delivered. */
export interface ByteAccount {
  /** The position has passed `length` bytes more, of which some did not end delivered. */
  pass(length: number, ended: Ended): void
  counts(): Counts
}

export function createByteAccount(from: Counts): ByteAccount {
  let { deadLetteredBytes } = from
  const skippedBytes: Record<string, number> = { ...from.skippedBytes }
  return {
    pass(length, ended) {
      // The newline that was put behind the last line of a finished file is counted with it, but none of the file's bytes.
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
