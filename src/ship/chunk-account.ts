import type { SkipReason } from '../block.ts'
import type { BatchDeadLetter, DeadLine } from './batch.ts'

/** The account of one chunk while its lines are taken. */
export interface ChunkAccount {
  /** Up to here the room is used up; may lie beyond the room for a line longer than it. */
  end: number
  readonly skipped: Partial<Record<SkipReason, number>>
  readonly dead: Omit<BatchDeadLetter, 'part'>[]
  /** What further dead lines of the batch may cost; without it no odd line is taken. */
  deadRoom: number
  /** Stores a line in the dead letter at once, where there would be too many to keep; false when that has to stop. */
  bury(line: DeadLine): Promise<boolean>
}

/**
 * What a dead line costs in memory besides its bytes, until it is stored: itself, its objects, and for a moment its entry as
 * text. Rounded up.
 */
const DEAD_LINE_BYTES = 1024

export function addDead(account: ChunkAccount, dead: Omit<BatchDeadLetter, 'part'>): void {
  account.dead.push(dead)
  account.deadRoom -= dead.bytes + DEAD_LINE_BYTES
}

export function count(account: ChunkAccount, reason: SkipReason, bytes: number): void {
  account.skipped[reason] = (account.skipped[reason] ?? 0) + bytes
}
