import { Buffer } from 'node:buffer'
import type { LongLine } from '../../chunk.ts'
import { createTruncation } from '../../process/truncation.ts'
import type { Body } from '../body/body.ts'
import { addDead, type ChunkAccount } from './chunk-account.ts'
import { deadLine, type OddLineAt, put } from './put-line.ts'

/** A longer dead line is stored in pieces, so that memory stays bounded. */
const DEAD_PIECE_BYTES = 1024 * 1024

/** Takes a line that is too long: truncated as kube-apiserver does if it is an audit event, else as a dead letter. */
export async function takeLongLine(
  body: Body,
  odd: OddLineAt,
  account: ChunkAccount,
): Promise<'taken' | 'full' | 'partial'> {
  const { chunk, line } = odd
  const long = await chunk.lineFrom(line.start)
  if (long.kind === 'partial') return 'partial'
  const truncation = createTruncation(chunk.origin.maxLineBytes)
  let seen = 0
  for await (const piece of long.pieces()) {
    truncation.push(piece)
    seen += piece.length
  }
  if (seen < long.length) return 'partial'
  const text = truncation.end()
  const whole = { ...odd, line: { ...line, next: long.next } }
  const sendable = text && { text, fileBytes: long.next - line.start, cutBytes: long.length - text.length }
  const result = sendable ? put(body, whole, sendable, account) : 'unfit'
  if (result === 'full') return 'full'
  if (result !== 'taken') {
    // The original line, because its truncated form lacks the bodies.
    const deadLettered = await deadLetterLongLine(whole, long, account)
    if (deadLettered !== 'taken') return deadLettered
  }
  account.end = long.next
  return 'taken'
}

/**
 * A line of one piece is stored with its batch. A longer one may not fit into memory, so its pieces are stored as they are
 * read, and again if the agent dies or stops before the line is settled.
 */
async function deadLetterLongLine(
  odd: OddLineAt,
  long: Extract<LongLine, { kind: 'line' }>,
  account: ChunkAccount,
): Promise<'taken' | 'full' | 'partial'> {
  const reason = odd.rules ? 'too-long-unmasked' : 'too-long'
  const dead: ChunkAccount['dead'] = []
  let newlineBytes = odd.line.next - odd.line.start - long.length
  let seen = 0
  for await (const piece of inPieces(long.pieces())) {
    const { entry } = deadLine(odd, reason, piece)
    const isKept = long.length <= DEAD_PIECE_BYTES
    if (!isKept && !(await account.deadLetter(entry))) return 'full'
    dead.push({ bytes: piece.length + newlineBytes, entry: isKept ? entry : undefined })
    newlineBytes = 0
    seen += piece.length
  }
  if (seen < long.length) return 'partial'
  for (const piece of dead) addDead(account, piece)
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
