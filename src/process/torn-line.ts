import { Buffer } from 'node:buffer'

/**
 * A write that was cut short (ENOSPC, a kill) left an event without its newline, often without its end, and the next event
 * was appended to the same physical line.
 */
export interface TornLine {
  /** What precedes the events: the beginning of one that will never be complete, or nothing. */
  readonly torn: Uint8Array
  /** Complete, in order, and contiguous. */
  readonly events: readonly Uint8Array[]
}

const EVENT_START = Buffer.from('{"kind":"Event"')
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Splits a malformed line before each audit event at its end. Returns undefined if it does not end with one, or is one. */
export function splitTornLine(line: Uint8Array): TornLine | undefined {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
  const events: Buffer[] = []
  let end = bytes.length
  while (end > 0) {
    const at = startOfLastObject(bytes.subarray(0, end))
    const isWhole = at === 0 && end === bytes.length
    if (at < 0 || isWhole || !isAuditEvent(bytes.subarray(at, end))) break
    events.push(bytes.subarray(at, end))
    end = at
  }
  return events.length > 0 ? { torn: bytes.subarray(0, end), events: events.toReversed() } : undefined
}

/**
 * Returns the start of the object that ends the bytes; -1 if brackets do not match. Reads backwards, because the beginning
 * may be torn inside a string. Examines each byte once, whatever the input.
 */
function startOfLastObject(bytes: Buffer): number {
  let depth = 0
  for (let at = bytes.length - 1; at >= 0; at -= 1) {
    switch (bytes[at]) {
      case QUOTE:
        at = startOfString(bytes, at)
        break
      case 0x7d:
      case 0x5d:
        depth += 1
        break
      case 0x7b:
      case 0x5b:
        depth -= 1
        if (depth <= 0) return depth === 0 ? at : -1
    }
  }
  return -1
}

/** The start of the string whose last quote is at `end`: every quote in between is escaped. */
function startOfString(bytes: Buffer, end: number): number {
  for (let at = end; at > 0; ) {
    at = bytes.lastIndexOf(QUOTE, at - 1)
    let front = at
    while (bytes[front - 1] === BACKSLASH) front -= 1
    if ((at - front) % 2 === 0) return at
  }
  return -1
}

/** Whether the bytes are one audit API JSON object. */
function isAuditEvent(bytes: Buffer): boolean {
  if (!bytes.subarray(0, EVENT_START.length).equals(EVENT_START)) return false
  const value = parse(bytes)
  return (
    typeof value === 'object' &&
    value !== null &&
    'apiVersion' in value &&
    typeof value.apiVersion === 'string' &&
    value.apiVersion.startsWith('audit.k8s.io/')
  )
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
