import { hash } from 'node:crypto'
import type { Part, Settlement, Span } from '../../chunk.ts'
import type { Body } from '../body/body.ts'
import type { DeadLetterEntry } from '../dead-letter/entry.ts'

/** A sealed body and what it owes the ledger. */
export interface Batch {
  readonly body: Body
  readonly records: number
  /** Encoded, uncompressed. */
  readonly bytes: number
  readonly parts: readonly BatchPart[]
  /** Lines that cannot become records: stored before the batch is settled. */
  readonly deadLetters: readonly BatchDeadLetter[]
}

/** A part and the records `[from, to)` made from its lines. */
export interface BatchPart {
  readonly part: Part
  readonly from: number
  readonly to: number
  /** When its lines were read. */
  readonly readAtMs: number
}

/**
 * A line for the dead letter. `start` and `end` are its exact span, or, for a record isolated from a batch, the span of the
 * part in which it is record number `record`.
 */
export type DeadLine = Omit<DeadLetterEntry, 'at' | 'batchId'>

/**
 * Stores lines in the dead letter, waiting while it accepts none; false if aborted first. Lines stored by then stay, and are
 * stored again with their batch after the next start.
 */
export type DeadLettering = (lines: readonly DeadLine[], batchId: string, signal: AbortSignal) => Promise<boolean>

export interface BatchDeadLetter {
  /** Index into `parts`. */
  readonly part: number
  /** File bytes it accounts for. */
  readonly bytes: number
  /** Undefined if it is already stored. */
  readonly entry: DeadLine | undefined
}

/** Half-open range of records of a batch. */
export type Range = Span

/** Returns the same records in as few ranges as possible, in order. */
export function joined(ranges: readonly Range[]): readonly Range[] {
  const result: Range[] = []
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const before = result.at(-1)?.end === start ? result.pop() : undefined
    result.push({ start: before?.start ?? start, end })
  }
  return result
}

/**
 * Returns the id of records `[start, end)` of a batch. It depends only on where the bytes lie, so that every attempt has the
 * same id, even after a restart that cuts the same batch again. `form` distinguishes records that are not sent as they were
 * read.
 */
export function batchIdOf(parts: readonly BatchPart[], range: Range, form: '' | 'truncated' = ''): string {
  const inside = parts.filter(({ from, to }) => from < range.end && to > range.start)
  const spans = inside.map(({ part, from, to }) => {
    const { start, end } = part.span
    const records = [Math.max(from, range.start) - from, Math.min(to, range.end) - from]
    return `${part.origin.id}:${start}-${end}/${records.join('-')}of${to - from}`
  })
  return hash('sha256', spans.join(',') + form, 'hex').slice(0, 32)
}

/** Returns the part that contains record `index`. Throws a RangeError if none does. */
export function partOf({ parts }: Pick<Batch, 'parts'>, index: number): BatchPart & { readonly number: number } {
  const number = parts.findIndex(({ from, to }) => index >= from && index < to)
  const part = parts[number]
  if (!part) throw new RangeError(`no part has record ${index}`)
  return { ...part, number }
}

/** Counts the outcome of each part of a batch; `settle` reports it to the ledger. */
export function createSettlements(batch: Batch) {
  const counts = batch.parts.map(() => ({ deadLetteredBytes: 0, truncatedBytes: 0 }))
  const countOf = (index: number) => counts[index] as { -readonly [Key in keyof Settlement]: Settlement[Key] }
  return {
    deadLettered(part: number, bytes: number): void {
      countOf(part).deadLetteredBytes += bytes
    },
    truncated(part: number, bytes: number): void {
      countOf(part).truncatedBytes += bytes
    },
    settle(): void {
      batch.parts.forEach(({ part }, index) => {
        part.settle(countOf(index))
      })
    },
  }
}

export type Settlements = ReturnType<typeof createSettlements>
