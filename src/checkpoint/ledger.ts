import type { Span } from '../block.ts'

/**
 * Spans taken in file order and settled in any order. `watermark` is the end of the longest settled prefix: everything
 * before it is delivered or durably dead-lettered, and it never passes a gap (I1). `T` rides along with each span and
 * surfaces when the watermark passes it.
 *
 * Taking and settling cost O(1) amortised; memory is one entry per span still open or behind an open one.
 */
export interface Ledger<T> {
  readonly watermark: number
  /** Where the next span must start. */
  readonly taken: number
  /** Spans not yet behind the watermark. */
  readonly open: number
  /** The mark of the first span that is not settled. */
  readonly oldest: T | undefined
  /** Opens `[taken, end)`. The ticket settles it, once. */
  take(end: number, mark: T): Ticket
}

export interface Ticket {
  readonly span: Span
  settle(): void
}

/** `onPass` runs inside `settle` for each span that the watermark passes, in the order of the file. */
export function createLedger<T>(start: number, onPass: (mark: T) => void): Ledger<T> {
  let watermark = start
  let taken = start
  let head = 0
  let entries: { readonly end: number; readonly mark: T; settled: boolean }[] = []

  function advance(): void {
    for (let entry = entries[head]; entry?.settled; entry = entries[head]) {
      head += 1
      watermark = entry.end
      onPass(entry.mark)
    }
    if (head * 2 > entries.length) {
      entries = entries.slice(head)
      head = 0
    }
  }

  return {
    get watermark() {
      return watermark
    },
    get taken() {
      return taken
    },
    get open() {
      return entries.length - head
    },
    get oldest() {
      return entries[head]?.mark
    },
    take(end, mark) {
      if (!(end > taken)) throw new RangeError(`a span must move forward: [${taken}, ${end})`)
      const span = { start: taken, end }
      const entry = { end, mark, settled: false }
      taken = end
      entries.push(entry)
      return {
        span,
        settle() {
          if (entry.settled) throw new Error(`span [${span.start}, ${span.end}) was settled twice`)
          entry.settled = true
          advance()
        },
      }
    },
  }
}
