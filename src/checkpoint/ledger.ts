import type { Span } from '../chunk.ts'

/**
 * Spans taken in file order and settled in any order. `watermark` is the end of the longest settled prefix: everything
 * before it is delivered or durably dead-lettered, and it never passes a gap (I1). Each span carries a mark `T`, which is
 * handed out when the watermark passes it.
 *
 * Settled neighbours after an open span merge into one entry: memory is bounded by the open spans (I2), however much is
 * settled after the oldest. Taking and settling cost O(1) amortised.
 */
export interface Ledger<T> {
  readonly watermark: number
  /** Where the next span must start. */
  readonly taken: number
  /** Number of entries kept: the open spans, and the settled ones between and after them. */
  readonly entries: number
  /** The mark of the first unsettled span. */
  readonly oldest: T | undefined
  /** Opens `[taken, end)`. The ticket settles it, exactly once. */
  take(end: number, mark: T): Ticket
}

export interface Ticket {
  readonly span: Span
  settle(): void
}

export interface Marks<T> {
  /** The combined mark of two settled neighbours; undefined if merging would lose information. */
  join(earlier: T, later: T): T | undefined
  /** Called inside `settle` when the watermark passes the mark's span, in file order. */
  pass(mark: T): void
}

interface Entry<T> {
  end: number
  mark: T
  settled: boolean
  before: Entry<T> | undefined
  after: Entry<T> | undefined
}

export function createLedger<T>(start: number, marks: Marks<T>): Ledger<T> {
  let watermark = start
  let taken = start
  let entries = 0
  let first: Entry<T> | undefined
  let last: Entry<T> | undefined

  function append(entry: Entry<T>): void {
    if (last) last.after = entry
    else first = entry
    last = entry
    entries += 1
  }

  /** Merges the settled `next` into `entry`, if their marks can be joined. */
  function absorb(entry: Entry<T>, next: Entry<T>): boolean {
    const mark = marks.join(entry.mark, next.mark)
    if (mark === undefined) return false
    entry.end = next.end
    entry.mark = mark
    entry.after = next.after
    if (next.after) next.after.before = entry
    else last = entry
    entries -= 1
    return true
  }

  function pass(entry: Entry<T>): void {
    first = entry.after
    if (first) first.before = undefined
    else last = undefined
    // Otherwise a passed entry in the heap's old generation would keep every later entry alive until it is collected.
    entry.after = undefined
    entries -= 1
    watermark = entry.end
    marks.pass(entry.mark)
  }

  function settle(entry: Entry<T>): void {
    entry.settled = true
    if (entry.after?.settled) absorb(entry, entry.after)
    let joined = entry
    while (joined.before?.settled && absorb(joined.before, joined)) joined = joined.before
    while (first?.settled) pass(first)
  }

  return {
    get watermark() {
      return watermark
    },
    get taken() {
      return taken
    },
    get entries() {
      return entries
    },
    get oldest() {
      return first?.mark
    },
    take(end, mark) {
      if (!(end > taken)) throw new RangeError(`a span must move forward: [${taken}, ${end})`)
      const span = { start: taken, end }
      const entry = { end, mark, settled: false, before: last, after: undefined }
      taken = end
      append(entry)
      return {
        span,
        settle() {
          if (entry.settled) throw new Error(`span [${span.start}, ${span.end}) was settled twice`)
          settle(entry)
        },
      }
    },
  }
}
