import type { SkipReason } from '../block.ts'
import type { BatchDeadLetter, DeadLine } from './batch.ts'

/** The account of one chunk while its lines are taken. */
export interface ChunkAccount {
  /** Up to here the room is used up; may lie beyond the room for a line longer than it. */
  end: number
  readonly skipped: Partial<Record<SkipReason, number>>
  readonly dead: Omit<BatchDeadLetter, 'part'>[]
  /** Stores a line in the dead letter at once, where there would be too many to keep; false when that has to stop. */
  bury(line: DeadLine): Promise<boolean>
}

export function count(account: ChunkAccount, reason: SkipReason, bytes: number): void {
  account.skipped[reason] = (account.skipped[reason] ?? 0) + bytes
}
