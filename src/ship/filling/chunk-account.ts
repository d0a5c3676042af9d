import type { SkipReason } from '../../chunk.ts'
import type { BatchDeadLetter, DeadLine } from './batch.ts'

/** Accounts for one chunk while its lines are taken. */
export interface ChunkAccount {
  /** How far the room is consumed; beyond the room's end after a line that is longer than the room. */
  end: number
  readonly skipped: Partial<Record<SkipReason, number>>
  readonly dead: Omit<BatchDeadLetter, 'part'>[]
  /** Memory left for further dead lines of the batch; at zero or below no odd line is taken. */
  deadRoom: number
  /** Stores a line in the dead letter at once, where keeping all of them would take too much memory; false if aborted. */
  deadLetter(line: DeadLine): Promise<boolean>
}

/** Memory of a dead line until it is stored, besides its bytes: its objects and, briefly, its entry as text. Rounded up. */
export const DEAD_LINE_BYTES = 1024

export function addDead(account: ChunkAccount, dead: Omit<BatchDeadLetter, 'part'>): void {
  account.dead.push(dead)
  account.deadRoom -= dead.bytes + DEAD_LINE_BYTES
}

export function count(account: ChunkAccount, reason: SkipReason, bytes: number): void {
  account.skipped[reason] = (account.skipped[reason] ?? 0) + bytes
}
