import { isUtf8 } from 'node:buffer'
import type { Origin } from '../../chunk.ts'
import type { Body } from '../body/body.ts'
import { REPAIR_GROWTH } from '../body/layout.ts'
import type { DeadLetterEntry } from '../dead-letter/entry.ts'

/** Appends a dead letter to a body, as the record to send. Returns an object with the reason if it can never be sent. */
export function appendEntry(
  body: Body,
  entry: DeadLetterEntry,
  origin: Origin,
): 'taken' | 'full' | { readonly unsendable: string } {
  const unsendable = unsendableReason(entry, origin)
  if (unsendable !== undefined) return { unsendable }
  const result = body.appendLine(entry.line, { origin, readAtMs: Date.parse(entry.at) })
  return result === 'not-json' ? { unsendable: 'not a JSON object, as the destination requires' } : result
}

/** Returns why a dead letter cannot be sent as it is, whatever the destination says; undefined if it can. */
export function unsendableReason(entry: DeadLetterEntry, { maxLineBytes }: Origin): string | undefined {
  const { reason, line } = entry
  if (reason === 'torn-line') return 'the front of a line that was never finished'
  if (reason === 'too-long-unmasked') return 'longer than max_line_bytes, and not masked as its source wants'
  if (reason === 'unmasked') return 'not masked as its source wants: that takes too much work'
  if (reason === 'too-long' && !isWhole(entry)) return 'a piece of a line that was longer than max_line_bytes'
  const mayHaveGrown = reason !== 'too-long' && isUtf8(line)
  const longest = mayHaveGrown ? REPAIR_GROWTH * maxLineBytes : maxLineBytes
  return line.length > longest ? 'longer than max_line_bytes' : undefined
}

/** Each piece of a split line has the span of the whole line, which may have had no newline. */
function isWhole({ start, end, line }: DeadLetterEntry): boolean {
  return end - start - line.length <= 1
}
