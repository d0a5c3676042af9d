import { Buffer } from 'node:buffer'
import type { Answer } from './http/answer.ts'
import { parseTarget } from './http/target.ts'

/** Longest quotation of an answer. */
const MAX_CHARS = 200
/** A stretch this long that also stands in the request is taken for a quotation of it. */
const ECHO_CHARS = 16

export interface Hidden {
  readonly secrets: readonly string[]
  /** What was sent. */
  readonly pieces: readonly Uint8Array[]
}

/**
 * The answer made fit to be logged and shown: its texts on one line, printable, bounded, without secrets. Servers quote
 * what they could not take, and logged content is none of our own log: a text that repeats the request is withheld. A
 * quotation of at least twice ECHO_CHARS holds one whole stretch, wherever it begins.
 */
export function presentable(answer: Answer, hidden: Hidden): Answer {
  if (answer.kind === 'failed') return { kind: 'failed', reason: quote(answer.reason, hidden) }
  const { location } = answer
  const to = location === undefined ? undefined : quote(parseTarget(location)?.shown ?? 'an address of its own', hidden)
  return { ...answer, location: to, text: quote(answer.text, hidden) }
}

function quote(text: string, { secrets, pieces }: Hidden): string {
  const printable = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  const masked = secrets
    .filter((secret) => secret !== '')
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), printable)
  const quotation = masked.length > MAX_CHARS ? `${masked.slice(0, MAX_CHARS)}…` : masked
  return repeats(quotation, pieces) ? '(the answer repeats what was sent)' : quotation
}

function repeats(text: string, pieces: readonly Uint8Array[]): boolean {
  const sent = pieces.map((piece) => Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))
  for (let at = 0; at + ECHO_CHARS <= text.length; at += ECHO_CHARS) {
    const stretch = text.slice(at, at + ECHO_CHARS)
    if (sent.some((piece) => piece.includes(stretch))) return true
  }
  return false
}
