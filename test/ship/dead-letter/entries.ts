import type { DeadLetterEntry } from '../../../src/ship/dead-letter/entry.ts'

export function entryOf(line: string | Uint8Array, more: Partial<DeadLetterEntry> = {}): DeadLetterEntry {
  const bytes = Buffer.from(line)
  return {
    at: '2026-11-05T10:00:00.000Z',
    reason: 'rejected: 400',
    path: '/var/log/audit.log',
    generation: 'g1',
    start: 0,
    end: bytes.length + 1,
    batchId: 'b1',
    line: bytes,
    ...more,
  }
}

export function textOf(entries: readonly DeadLetterEntry[]): string[] {
  return entries.map(({ line }) => Buffer.from(line).toString())
}
