import { Buffer } from 'node:buffer'
import type { Chunk, LongLine } from '../../chunk.ts'
import type { LineRules, TouchedLine } from '../../process/rules.ts'
import { splitTornLine, type TornLine } from '../../process/torn-line.ts'
import { createTruncation } from '../../process/truncation.ts'
import type { Body, OddLine } from '../body/body.ts'
import { AUDIT_EVENT_START } from '../body/kernel.ts'
import type { UnfitReason } from '../dead-letter/entry.ts'
import type { DeadLine } from './batch.ts'
import { addDead, type ChunkAccount, count } from './chunk-account.ts'

export interface OddLineAt {
  readonly chunk: Chunk
  readonly room: Uint8Array
  readonly line: OddLine | TouchedLine
  /** Applied to what is to be sent of the line. */
  readonly rules: LineRules | undefined
}

/** A longer dead line is stored in pieces, so that memory stays bounded. */
const DEAD_PIECE_BYTES = 1024 * 1024

/**
 * Takes one line that the body's fast path cannot: NUL runs are skipped and counted, events that follow one another without a
 * newline, or a torn one, are separated, a long audit event is truncated, rules drop or change the line, and what cannot
 * become a record becomes a dead letter. `full`: the line, or what is left of it, is left for the next body, also if there
 * is no room for another dead line, as any odd line may become one; `partial`: its end has not been read yet.
 */
export async function takeOddLine(
  body: Body,
  odd: OddLineAt,
  account: ChunkAccount,
): Promise<'taken' | 'full' | 'partial'> {
  if (account.deadRoom <= 0) return 'full'
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
    case 'rule':
      return takeShortLine(body, odd, account)
  }
}

function takeShortLine(body: Body, odd: OddLineAt, account: ChunkAccount): 'taken' | 'full' {
  const { room, line } = odd
  // A copy, as encoding may overwrite the room.
  const bytes = Buffer.from(room.subarray(line.start, line.end))
  const torn = isSuspect(body, line, bytes) ? splitTornLine(bytes) : undefined
  if (torn) return takeTornLine(body, odd, torn, account)
  return takeText(body, odd, { text: bytes, known: line.reason === 'rule' ? line.rule : undefined }, account)
}

/**
 * Takes each event of the line as a line of its own. A batch may end between two of them: what is left then begins with an
 * event, and is read again like any line.
 */
function takeTornLine(body: Body, odd: OddLineAt, { torn, events }: TornLine, account: ChunkAccount): 'taken' | 'full' {
  const { line } = odd
  let start = line.start
  /** The line's next piece; the newline belongs to the last one. */
  function piece({ length }: Uint8Array): OddLineAt {
    const end = start + length
    const place = { start, end, next: end === line.end ? line.next : end }
    start = end
    return { ...odd, line: { ...line, ...place } }
  }
  // Pieces are copied: a dead one must not keep the memory of the line.
  if (torn.length > 0) {
    addDead(account, deadLine(piece(torn), 'torn-line', Buffer.from(torn)))
    account.end = start
  }
  for (const event of events) {
    if (account.deadRoom <= 0) return 'full'
    if (takeText(body, piece(event), { text: Buffer.from(event) }, account) === 'full') return 'full'
  }
  return 'taken'
}

function takeText(
  body: Body,
  odd: OddLineAt,
  { text, known }: Pick<Sendable, 'text' | 'known'>,
  account: ChunkAccount,
): 'taken' | 'full' {
  const { line } = odd
  const fileBytes = line.next - line.start
  const result = put(body, odd, { text, fileBytes, known }, account)
  if (result === 'full') return 'full'
  if (result !== 'taken') addDead(account, { ...deadLine(odd, result.reason, result.line), bytes: fileBytes })
  account.end = line.next
  return 'taken'
}

const EVENT_START = Buffer.from(AUDIT_EVENT_START)
/** How much of an event's beginning a body requires before it suspects a torn line. */
const FRONT_BYTES = 15

/** Whether the line may hold an event after a torn or whole one. The body has not checked lines that rules touch. */
function isSuspect(body: Body, { reason }: OddLineAt['line'], bytes: Buffer): boolean {
  if (reason !== 'rule') return reason !== 'invalid-utf8'
  const again = bytes.indexOf(EVENT_START, 1)
  const front = Math.min(FRONT_BYTES, again)
  return again > 0 && (body.wantsObjects || bytes.subarray(0, front).equals(EVENT_START.subarray(0, front)))
}

async function takeLongLine(body: Body, odd: OddLineAt, account: ChunkAccount): Promise<'taken' | 'full' | 'partial'> {
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
    // The original line: its truncated form lacks the bodies.
    const deadLettered = await deadLetterLongLine(whole, long, account)
    if (deadLettered !== 'taken') return deadLettered
  }
  account.end = long.next
  return 'taken'
}

/**
 * A one-piece line is stored with its batch. A longer one may exceed memory: its pieces are stored as they are read, and
 * again if the agent dies or stops before the line is settled.
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

/** A line to be sent, and the file bytes it accounts for. */
interface Sendable {
  readonly text: Buffer
  readonly fileBytes: number
  /** Bytes already cut out of it. */
  readonly cutBytes?: number
  /** The first rule that touches it, if known. */
  readonly known?: number | undefined
}

/** What cannot become a record. */
interface Unfit {
  readonly reason: UnfitReason
  readonly line: Buffer
}

/** Applies the rules to a line and puts the result into the body, if it can become a record. */
function put(
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

function deadLine(
  { chunk, line }: OddLineAt,
  reason: UnfitReason,
  bytes: Uint8Array,
): { bytes: number; entry: DeadLine } {
  const { id, path } = chunk.origin
  const start = chunk.position + line.start
  const end = chunk.position + line.next
  return { bytes: bytes.length, entry: { reason, path, generation: id, start, end, line: bytes } }
}
