import type { DeadLine } from './batch.ts'
import type { DeadLetterEntry } from './dead-letter-entry.ts'
import { type DeliveryContext, waitUntil } from './delivery.ts'

/** Where lines go that a destination will not take. Stored means durable. */
export interface DeadLetterPort {
  write(entries: readonly DeadLetterEntry[]): Promise<StoredDeadLetters>
}

export type StoredDeadLetters =
  | { readonly kind: 'stored' }
  | { readonly kind: 'full' }
  | { readonly kind: 'failed'; readonly message: string }

/** Stores lines in the dead letter and holds while that takes none; false when `signal` came first. */
export type Bury = (lines: readonly DeadLine[], batchId: string, signal: AbortSignal) => Promise<boolean>

/** How long a lane waits before it looks again at a dead letter that is full or cannot be written. */
const HOLD_MS = 5000

export function createBurial({ account, destination, log }: DeliveryContext, deadLetters: DeadLetterPort): Bury {
  return async (lines, batchId, signal) => {
    if (lines.length === 0) return true
    let isHeld = false
    try {
      for (;;) {
        const at = new Date().toISOString()
        const stored = await deadLetters.write(lines.map((line) => ({ ...line, at, batchId })))
        if (stored.kind === 'stored') break
        if (!isHeld) account.held += 1
        isHeld = true
        const why = stored.kind === 'full' ? 'it is full (dead_letter_max_bytes)' : stored.message
        account.lastError = { atMs: Date.now(), message: `dead letter: ${why}` }
        log.error(
          { key: `dead-letter:${destination.name}`, destination: destination.name, reason: why },
          'the dead letter takes no more lines: the destination waits and nothing is dropped; send them again with agent replay --dead-letter, remove what is not needed, or raise dead_letter_max_bytes',
        )
        if (!(await waitUntil(performance.now() + HOLD_MS, signal))) return false
      }
    } finally {
      if (isHeld) account.held -= 1
    }
    account.deadLetteredRecords += lines.length
    log.warn(
      {
        key: `dead-lettered:${destination.name}`,
        destination: destination.name,
        records: lines.length,
        reason: lines[0]?.reason,
      },
      'records are in the dead letter: agent replay --dead-letter --dry-run shows how many and why',
    )
    return true
  }
}
