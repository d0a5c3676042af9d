import { Buffer } from 'node:buffer'

/**
 * A writer that dies inside a line (ENOSPC, a kill) leaves its head; the next event is appended to the same physical
 * line. The event is whole, the head never will be.
 */
export interface TornLine {
  readonly torn: Uint8Array
  readonly event: Uint8Array
}

const EVENT_START = Buffer.from('{"kind":"Event"')

/** Splits a line that is no JSON object at the last place from which it is one audit event; undefined if there is none. */
export function splitTornLine(line: Uint8Array): TornLine | undefined {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
  for (let at = bytes.lastIndexOf(EVENT_START); at > 0; at = bytes.lastIndexOf(EVENT_START, at - 1)) {
    const event = bytes.subarray(at)
    if (isAuditEvent(event)) return { torn: bytes.subarray(0, at), event }
  }
  return undefined
}

/** Whether the bytes are one JSON object of the audit API. */
function isAuditEvent(bytes: Buffer): boolean {
  const value = parse(bytes)
  return (
    typeof value === 'object' &&
    value !== null &&
    'apiVersion' in value &&
    /^audit\.k8s\.io\//.test(String(value.apiVersion))
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
