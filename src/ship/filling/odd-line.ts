import { Buffer } from 'node:buffer'
import { splitTornLine, type TornLine } from '../../process/torn-line.ts'
import type { Body } from '../body/body.ts'
import { AUDIT_EVENT_START } from '../body/kernel.ts'
import { addDead, type ChunkAccount, count } from './chunk-account.ts'
import { takeLongLine } from './long-line.ts'
import { deadLine, type OddLineAt, put, type Sendable } from './put-line.ts'

/**
 * Takes a line that the body's fast path cannot. Skips and counts a NUL run. Separates events that follow one another, or a
 * torn one, without a newline. Truncates a long audit event. Applies rules, which may drop or change the line. Dead-letters
 * what cannot become a record.
 *
 * `full`: the line, or the rest of it, is left for the next body. This includes a lack of room for another dead line, because
 * any odd line may become one. `partial`: the line's end has not been read yet.
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
  // A copy, because encoding may overwrite the room.
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
  /** Returns the line's next piece. The newline belongs to the last one. */
  function piece({ length }: Uint8Array): OddLineAt {
    const end = start + length
    const place = { start, end, next: end === line.end ? line.next : end }
    start = end
    return { ...odd, line: { ...line, ...place } }
  }
  // Copied, so that a dead piece does not keep the whole line in memory.
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
/** How many bytes of an event's beginning a line must start with before a body suspects that it is torn. */
const FRONT_BYTES = 15

/** Whether an event may follow a torn or whole one in the line. The body has not checked lines that rules touch. */
function isSuspect(body: Body, { reason }: OddLineAt['line'], bytes: Buffer): boolean {
  if (reason !== 'rule') return reason !== 'invalid-utf8'
  const again = bytes.indexOf(EVENT_START, 1)
  const front = Math.min(FRONT_BYTES, again)
  return again > 0 && (body.wantsObjects || bytes.subarray(0, front).equals(EVENT_START.subarray(0, front)))
}
