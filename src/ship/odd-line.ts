import type { Chunk } from '../block.ts'
import { splitTornLine } from '../process/torn-line.ts'
import { createTruncation } from '../process/truncation.ts'
import type { DeadLine } from './batch.ts'
import type { Body, OddLine } from './body/body.ts'
import { type ChunkAccount, count } from './chunk-account.ts'

export interface OddLineAt {
  readonly chunk: Chunk
  readonly room: Uint8Array
  readonly line: OddLine
}

/** A dead line longer than this is stored in pieces, so that memory stays bounded. */
const DEAD_PIECE_BYTES = 1024 * 1024

/**
 * Takes one line the body's fast path could not: NUL runs are skipped and counted, a torn line gives up the event glued
 * to it, a long audit event is truncated, and what no record can carry becomes a dead letter. `full`: the line was left
 * for the next body; `partial`: its end is not there yet.
 */
export async function takeOddLine(
  body: Body,
  odd: OddLineAt,
  account: ChunkAccount,
): Promise<'taken' | 'full' | 'partial'> {
  switch (odd.line.reason) {
    case 'nul':
      count(account, 'nul-run', odd.line.end - odd.line.start)
      account.end = odd.line.next
      return 'taken'
    case 'too-long':
      return takeLongLine(body, odd, account)
    case 'not-json':
    case 'glued':
    case 'invalid-utf8':
      return takeWrongLine(body, odd, account)
  }
}

function takeWrongLine(body: Body, odd: OddLineAt, account: ChunkAccount): 'taken' | 'full' {
  const { chunk, room, line } = odd
  // A copy, as encoding may write over the room.
  const bytes = Buffer.from(room.subarray(line.start, line.end))
  const torn = line.reason === 'invalid-utf8' ? undefined : splitTornLine(bytes)
  const result = body.appendLine(torn?.event ?? bytes, chunk)
  if (result === 'full') return 'full'
  if (torn) account.dead.push(deadLine(odd, 'torn-line', torn.torn))
  else if (result === 'not-json') account.dead.push(deadLine(odd, 'not-json', bytes))
  account.end = line.next
  return 'taken'
}

async function takeLongLine(body: Body, odd: OddLineAt, account: ChunkAccount): Promise<'taken' | 'full' | 'partial'> {
  const { chunk, line } = odd
  const long = await chunk.lineFrom(line.start)
  if (long.kind === 'partial') return 'partial'
  const truncation = createTruncation(chunk.origin.maxLineBytes)
  for await (const piece of long.pieces()) truncation.push(piece)
  const short = truncation.end()
  if (short) {
    if (body.appendLine(short, chunk) === 'full') return 'full'
  } else for await (const piece of inPieces(long.pieces())) account.dead.push(deadLine(odd, 'too-long', piece))
  account.end = long.next
  return 'taken'
}

async function* inPieces(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let gathered: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces) {
    gathered.push(piece)
    size += piece.length
    if (size < DEAD_PIECE_BYTES) continue
    yield Buffer.concat(gathered)
    gathered = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(gathered)
}

function deadLine({ chunk, line }: OddLineAt, reason: string, bytes: Uint8Array): { bytes: number; entry: DeadLine } {
  const { id, path } = chunk.origin
  const start = chunk.position + line.start
  const end = chunk.position + line.next
  return { bytes: bytes.length, entry: { reason, path, generation: id, start, end, line: bytes } }
}
