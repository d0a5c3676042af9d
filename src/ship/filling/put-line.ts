import type { Buffer } from 'node:buffer'
import type { Chunk } from '../../chunk.ts'
import type { LineRules, TouchedLine } from '../../process/rules.ts'
import type { Body, OddLine } from '../body/body.ts'
import type { UnfitReason } from '../dead-letter/entry.ts'
import type { DeadLine } from './batch.ts'
import { type ChunkAccount, count } from './chunk-account.ts'

export interface OddLineAt {
  readonly chunk: Chunk
  readonly room: Uint8Array
  readonly line: OddLine | TouchedLine
  /** Applied to the part of the line that is to be sent. */
  readonly rules: LineRules | undefined
}

/** A line to be sent, and the file bytes it accounts for. */
export interface Sendable {
  readonly text: Buffer
  readonly fileBytes: number
  /** Bytes of the line already left out of `text`. */
  readonly cutBytes?: number
  /** The first rule that touches it, if known. */
  readonly known?: number | undefined
}

/** A line that cannot become a record. */
interface Unfit {
  readonly reason: UnfitReason
  readonly line: Buffer
}

/** Applies the rules to a line and puts the result into the body, if it can become a record. */
export function put(
  body: Body,
  odd: OddLineAt,
  { text, fileBytes, cutBytes = 0, known }: Sendable,
  account: ChunkAccount,
): 'taken' | 'full' | Unfit {
  const { chunk, rules } = odd
  const line = rules ? rules.apply(text, chunk.origin.maxLineBytes, known) : text
  if (line === 'dropped') {
    count(account, 'rule', fileBytes)
    return 'taken'
  }
  if (line === 'grown') return { reason: 'too-long-unmasked', line: text }
  if (line === 'costly') return { reason: 'unmasked', line: text }
  const result = body.appendLine(line, chunk, fileBytes - cutBytes)
  if (result === 'full') return 'full'
  if (result === 'not-json') return { reason: 'not-json', line }
  if (cutBytes > 0) count(account, 'truncated', cutBytes)
  return 'taken'
}

export function deadLine(
  { chunk, line }: OddLineAt,
  reason: UnfitReason,
  bytes: Uint8Array,
): { bytes: number; entry: DeadLine } {
  const { id, path } = chunk.origin
  const start = chunk.position + line.start
  const end = chunk.position + line.next
  return { bytes: bytes.length, entry: { reason, path, generation: id, start, end, line: bytes } }
}
