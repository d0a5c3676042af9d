import type { WriteResult } from '../../src/ship/dead-letter/dead-letter.ts'
import type { DeadLetterEntry } from '../../src/ship/dead-letter/entry.ts'

export type BoxState = { readonly kind: 'full' | 'failed'; readonly room: number } | { readonly kind: 'well' }

/** A dead letter that may have room for so many more entries, and then is full or fails. */
export class DeadLetterBox {
  readonly entries: DeadLetterEntry[] = []
  #kind: BoxState['kind'] = 'well'
  #room = 0

  set state(state: BoxState) {
    this.#kind = state.kind
    this.#room = state.kind === 'well' ? 0 : state.room
  }

  /** What is stored of entries, in their order. */
  store(entries: readonly DeadLetterEntry[]): WriteResult {
    const stored = this.#kind === 'well' ? entries.length : Math.min(this.#room, entries.length)
    this.#room -= stored
    // The memory of a line is its lane's.
    for (const entry of entries.slice(0, stored)) this.entries.push({ ...entry, line: Buffer.from(entry.line) })
    if (stored === entries.length) return { kind: 'stored' }
    if (this.#kind === 'failed') return { kind: 'failed', stored, code: 'ENOSPC', message: 'ENOSPC: no space' }
    return { kind: 'full', stored }
  }
}
