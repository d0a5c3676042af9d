import { isUtf8 } from 'node:buffer'
import { type JsonObject, parseJsonObject } from '../../json.ts'

/**
 * The `reason` of an entry whose line never became a record; any other reason is a destination's response.
 * `too-long-unmasked`: the line has rules that were not applied. `unmasked`: likewise, because masking takes too much work.
 */
export type UnfitReason = 'not-json' | 'torn-line' | 'too-long' | 'too-long-unmasked' | 'unmasked'

/** A record that cannot be delivered as it is, and why. */
export interface DeadLetterEntry {
  /** ISO 8601. */
  readonly at: string
  /** Bounded, and without log content: the line has its own field. */
  readonly reason: string
  /** The HTTP status, if one was the reason. */
  readonly status?: number
  readonly path: string
  readonly generation: string
  /** The line's span in its generation, or a span that contains it. */
  readonly start: number
  readonly end: number
  /** The record's number within a span of several records: distinguishes it from an identical one. */
  readonly record?: number
  readonly batchId: string
  /** The line or a piece of it, without the newline; not always UTF-8. */
  readonly line: Uint8Array
}

/**
 * Encodes an entry as one line of NDJSON, with its newline:
 * `{"v":1,"at":…,"reason":…,"status":…,"path":…,"generation":…,"start":…,"end":…,"record":…,"batchId":…,"line":…}`.
 * A line that is not UTF-8 is stored as `lineBase64` instead of `line`, so that every line survives exactly.
 */
export function encodeEntry({ line, ...entry }: DeadLetterEntry): Buffer {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength)
  const content = isUtf8(bytes) ? { line: bytes.toString() } : { lineBase64: bytes.toString('base64') }
  return Buffer.from(`${JSON.stringify({ v: 1, ...entry, ...content })}\n`)
}

/** Returns undefined for a line that is damaged or in a format unknown to this agent. */
export function decodeEntry(json: string): DeadLetterEntry | undefined {
  const fields = parseJsonObject(json)
  if (fields === undefined || fields.v !== 1) return undefined
  const { at, reason, status, path, generation, start, end, record, batchId } = fields
  const line = decodeLine(fields)
  if (line === undefined || typeof at !== 'string' || Number.isNaN(Date.parse(at))) return undefined
  if (typeof reason !== 'string') return undefined
  if (typeof path !== 'string' || typeof generation !== 'string' || typeof batchId !== 'string') return undefined
  if (typeof start !== 'number' || typeof end !== 'number') return undefined
  return {
    ...{ at, reason, path, generation, start, end, batchId, line },
    ...(typeof status === 'number' && { status }),
    ...(typeof record === 'number' && { record }),
  }
}

function decodeLine({ line, lineBase64 }: JsonObject): Buffer | undefined {
  if (typeof line === 'string') return Buffer.from(line)
  return typeof lineBase64 === 'string' ? Buffer.from(lineBase64, 'base64') : undefined
}
