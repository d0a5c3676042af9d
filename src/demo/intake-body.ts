import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { isObject, parseJson } from '../json.ts'

/** The content of a request: the lines as the writer wrote them, if it is well-formed. */
export type Payload =
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string }

/** Limit for a request body, both as sent and decompressed. */
export const MAX_BODY_BYTES = 64 * 2 ** 20

/** Unpacks a Datadog array or an EventList. */
export function decodePayload(body: Buffer, encoding: string | undefined): Payload {
  const actual = actualEncoding(body)
  const declared = encoding === undefined || encoding === 'identity' ? 'none' : encoding
  if (actual !== declared) return refused(`declared as ${declared}, but is ${actual}`)
  const text = decompress(body, actual)
  const value = text === undefined ? undefined : parseJson(text)
  if (text === undefined || value === undefined) return refused(`not ${actual === 'none' ? 'JSON' : actual}`)
  if (Array.isArray(value)) return messages(value)
  if (isObject(value) && value.kind === 'EventList' && Array.isArray(value.items)) {
    return { kind: 'lines', lines: itemTexts(text) }
  }
  // A connectivity check sends `{}`.
  if (isObject(value) && Object.keys(value).length === 0) return { kind: 'lines', lines: [] }
  return refused('neither an array of logs nor an EventList')
}

function messages(records: readonly unknown[]): Payload {
  const lines = records.map((record) => (isObject(record) ? record.message : undefined))
  return lines.every((line) => typeof line === 'string') ? { kind: 'lines', lines } : refused('a log without a message')
}

/** The source text of each item of an EventList: parsing would hide whether it is byte for byte what was written. */
export function itemTexts(list: string): string[] {
  const key = '"items":['
  const items: string[] = []
  let start = list.indexOf(key) + key.length
  let depth = 0
  let quoted = false
  for (let at = start; at < list.length && depth >= 0; at++) {
    const character = list[at]
    if (quoted) {
      if (character === '\\') at++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if ((character === ',' && depth === 0 && !quoted) || depth < 0) {
      const item = list.slice(start, at).trim()
      if (item !== '') items.push(item)
      start = at + 1
    }
  }
  return items
}

type ActualEncoding = 'zstd' | 'gzip' | 'none'

function actualEncoding(body: Buffer): ActualEncoding {
  if (body.length >= 4 && body.readUInt32LE(0) === 0xfd2fb528) return 'zstd'
  return body.length >= 2 && body.readUInt16BE(0) === 0x1f8b ? 'gzip' : 'none'
}

function decompress(body: Buffer, encoding: ActualEncoding): string | undefined {
  const limit = { maxOutputLength: MAX_BODY_BYTES }
  try {
    if (encoding === 'zstd') return zstdDecompressSync(body, limit).toString()
    return (encoding === 'gzip' ? gunzipSync(body, limit) : body).toString()
  } catch {
    return undefined
  }
}

function refused(reason: string): Payload {
  return { kind: 'refused', reason }
}
