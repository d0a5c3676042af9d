import type { WriteResult } from '../../src/ship/dead-letter/dead-letter.ts'
import type { DeadLetterEntry } from '../../src/ship/dead-letter/entry.ts'

export type BoxState = { readonly kind: 'full' | 'failed'; readonly room: number } | { readonly kind: 'well' }

/** A dead-letter store that may have room for only some more entries, after which it is full or fails. */
export class DeadLetterBox {
  readonly entries: DeadLetterEntry[] = []
  #kind: BoxState['kind'] = 'well'
  #room = 0

  set state(state: BoxState) {
    this.#kind = state.kind
    this.#room = state.kind === 'well' ? 0 : state.room
  }

  store(entries: readonly DeadLetterEntry[]): WriteResult {
    const stored = this.#kind === 'well' ? entries.length : Math.min(this.#room, entries.length)
    this.#room -= stored
    // Copied, because the lane reuses the memory of a line.
    for (const entry of entries.slice(0, stored)) this.entries.push({ ...entry, line: Buffer.from(entry.line) })
    if (stored === entries.length) return { kind: 'stored' }
    if (this.#kind === 'failed') return { kind: 'failed', stored, code: 'ENOSPC', message: 'ENOSPC: no space' }
    return { kind: 'full', stored }
  }
}
