import { hash } from 'node:crypto'

const VERSION = 1

/** The result of decoding a state file. `problem` completes "registry.json …". */
export type Decoded =
  | { readonly kind: 'valid'; readonly state: unknown }
  /** Not what was written: torn by a crash, or damaged later. */
  | { readonly kind: 'damaged'; readonly problem: string }
  /** Perhaps intact, but in a format this agent does not know. */
  | { readonly kind: 'foreign'; readonly problem: string }

/** `{"version":1,"checksum":"<sha256 of the state's bytes>","state":…}` and a newline. */
export function encodeDocument(state: object): Buffer {
  const text = JSON.stringify(state)
  return Buffer.from(`{"version":${VERSION},"checksum":"${hash('sha256', text)}","state":${text}}\n`)
}

const versionField = /^\{"version":(\d+)[,}]/
const wholeDocument = /^\{"version":1,"checksum":"([0-9a-f]{64})","state":(.*)\}\n$/s

export function decodeDocument(bytes: Buffer): Decoded {
  if (bytes.length === 0) return { kind: 'damaged', problem: 'is empty' }
  if (bytes.every((byte) => byte === 0)) return { kind: 'damaged', problem: 'holds nothing but zero bytes' }
  const text = bytes.toString()
  const found = versionField.exec(text)?.[1]
  if (found === undefined) return { kind: 'damaged', problem: 'is not a state file' }
  if (Number(found) > VERSION) return { kind: 'foreign', problem: `was written by a newer agent (version ${found})` }
  if (Number(found) < VERSION) return { kind: 'foreign', problem: `has an unknown version (${found})` }
  const [, checksum, state] = wholeDocument.exec(text) ?? []
  if (checksum === undefined || state === undefined) return { kind: 'damaged', problem: 'is cut short' }
  if (checksum !== hash('sha256', state)) return { kind: 'damaged', problem: 'does not match its checksum' }
  return parseState(state)
}

function parseState(text: string): Decoded {
  try {
    return { kind: 'valid', state: JSON.parse(text) }
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: 'damaged', problem: 'is no JSON' }
    throw error
  }
}
