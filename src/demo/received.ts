import { crc32 } from 'node:zlib'
import { parseJsonObject } from '../json.ts'
import { identityOf } from './events/events.ts'

/** What an intake received, by its own count alone. Times are from `performance.now()`. */
export interface Received {
  /** Every arrival of every event, by identity. */
  readonly arrivals: Map<string, Arrival[]>
  /** Accepted requests; an arrival's `request` is an index. */
  readonly requests: AcceptedRequest[]
  /** Records that are not a whole event, with the identity at their beginning. */
  readonly unreadable: (string | undefined)[]
  /** Requests that a correct agent never sends, by status and reason. */
  readonly refusals: Map<string, number>
  /** Requests answered with 429. */
  throttled: number
  /** Bytes of lines with their newline, each event counted once. */
  bytes: number
}

export interface Arrival {
  readonly request: number
  /** Of the line without its newline. */
  readonly crc32: number
}

export interface AcceptedRequest {
  readonly batchId: string | undefined
  /** Of the body as it was sent. */
  readonly bodyCrc32: number
  readonly receivedAtMs: number
  /** `lost`: discarded on purpose. `cut`: the client, or an outage, ended the connection first. */
  reply: 'pending' | 'sent' | 'lost' | 'cut'
  repliedAtMs: number | undefined
}

export function createReceived(): Received {
  return { arrivals: new Map(), requests: [], unreadable: [], refusals: new Map(), throttled: 0, bytes: 0 }
}

interface Request {
  readonly batchId: string | undefined
  /** As it was sent. */
  readonly body: Buffer
  readonly lines: readonly string[]
}

/** Records an accepted request, its reply pending. */
export function recordRequest(received: Received, { batchId, body, lines }: Request): AcceptedRequest {
  const request = received.requests.length
  for (const line of lines) recordLine(received, line, request)
  const accepted: AcceptedRequest = {
    batchId,
    bodyCrc32: crc32(body),
    receivedAtMs: performance.now(),
    reply: 'pending',
    repliedAtMs: undefined,
  }
  received.requests.push(accepted)
  return accepted
}

function recordLine(received: Received, line: string, request: number): void {
  const identity = wholeEvent(line)
  if (identity === undefined) {
    received.unreadable.push(identityOf(line))
    return
  }
  const arrival = { request, crc32: crc32(line) }
  const earlier = received.arrivals.get(identity)
  if (earlier) {
    earlier.push(arrival)
    return
  }
  received.arrivals.set(identity, [arrival])
  received.bytes += Buffer.byteLength(line) + 1
}

/** The identity of a line that is one audit event from its first to its last byte. */
function wholeEvent(line: string): string | undefined {
  const event = parseJsonObject(line)
  return event && identityOf(event)
}
