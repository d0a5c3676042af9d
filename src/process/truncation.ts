import { Buffer } from 'node:buffer'

/**
 * Truncates an audit event as kube-apiserver does: drops `requestObject` and `responseObject` and sets the annotation
 * `audit.k8s.io/truncated: "true"`. Works on the bytes as a stream: a line of any length takes no more memory than its
 * truncated form may have.
 */
export interface Truncation {
  push(piece: Uint8Array): void
  /** Returns the truncated event; undefined if the line is not one audit event, or is still too long. */
  end(): Buffer | undefined
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OBJECT_START = 0x7b
const OPEN = [OBJECT_START, 0x5b]
const CLOSE = [0x7d, 0x5d]
const COMMA = 0x2c
const BLANKS = [0x20, 0x09, 0x0a, 0x0d]
const DROPPED = new Set(['requestObject', 'responseObject'])
const ANNOTATION = '"audit.k8s.io/truncated":"true"'

export function createTruncation(maxBytes: number): Truncation {
  const members: { readonly key: string; readonly bytes: Buffer }[] = []
  let member: number[] = []
  let depth = 0
  /** Whether the object has ended, so that only blanks may follow. */
  let closed = false
  let inString = false
  let escaped = false
  let dropping = false
  let kept = 0
  let hopeless = false

  function closeMember(): void {
    const key = keyOf(member)
    // A member whose key cannot be read must not be dropped.
    if (key === undefined) hopeless = true
    else if (!dropping) members.push({ key, bytes: Buffer.from(member) })
    member = []
    dropping = false
  }

  function keep(byte: number): void {
    if (dropping) return
    member.push(byte)
    kept += 1
    if (kept > maxBytes) hopeless = true
    // The key ends at the colon.
    if (byte === 0x3a && !inString && depth === 1) dropping = DROPPED.has(keyOf(member) ?? '')
  }

  function step(byte: number): void {
    if (inString) {
      if (escaped) escaped = false
      else if (byte === BACKSLASH) escaped = true
      else if (byte === QUOTE) inString = false
      keep(byte)
      return
    }
    if (depth === 0) {
      stepOutside(byte)
      return
    }
    if (byte === QUOTE) inString = true
    else if (OPEN.includes(byte)) depth += 1
    else if (CLOSE.includes(byte)) depth -= 1
    closed = depth === 0
    if (closed || (depth === 1 && byte === COMMA)) closeMember()
    else keep(byte)
  }

  /** Gives up on anything but blanks around the object: the truncated form would lose it. */
  function stepOutside(byte: number): void {
    if (byte === OBJECT_START && !closed) depth = 1
    else if (!BLANKS.includes(byte)) hopeless = true
  }

  return {
    push(piece) {
      for (const byte of piece) {
        if (hopeless) return
        step(byte)
      }
    },
    end() {
      if (hopeless || !closed) return undefined
      const version = members.find(({ key }) => key === 'apiVersion')?.bytes.toString() ?? ''
      if (!version.includes('"audit.k8s.io/')) return undefined
      const bytes = Buffer.from(`{${annotated(members.map(({ bytes }) => bytes.toString('utf8')))}}`)
      return bytes.length <= maxBytes ? bytes : undefined
    },
  }
}

function annotated(members: readonly string[]): string {
  const at = members.findIndex((member) => /^\s*"annotations"\s*:\s*\{/.test(member))
  const old = members[at]
  if (old === undefined) return [...members, `"annotations":{${ANNOTATION}}`].join(',')
  const isEmpty = /\{\s*\}\s*$/.test(old)
  const added = old.replace(/\{/, `{${ANNOTATION}${isEmpty ? '' : ','}`)
  return members.with(at, added).join(',')
}

function keyOf(member: readonly number[]): string | undefined {
  const text = Buffer.from(member.slice(0, 64)).toString('latin1')
  return /^\s*"([^"\\]*)"\s*:/.exec(text)?.[1]
}
