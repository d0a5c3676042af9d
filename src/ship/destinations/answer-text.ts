import type { Answer } from '../http/answer.ts'
import { parseTarget } from '../http/target.ts'
import { isAnswerWord } from './answer-words.ts'

/** Longest quotation of an answer. */
const MAX_CHARS = 200
const HIDDEN = '…'
/** Anything but white space and the punctuation of prose, JSON and HTML. */
const WORD = /[^\s.,:;!?'"()[\]{}<>/\\=_-]+/g
const HIDDEN_RUN = /…(?:[\s.,:;!?'"()[\]{}<>/\\=_-]*…)+/g

/**
 * Makes a response presentable for logs and status: one bounded line, printable, without secrets. Servers quote what they
 * could not accept, in any encoding, but shipped content must not enter our own log: of a server's text, only its status and
 * words from our list are shown, whatever was sent. Redirect targets are shown without the query.
 */
export function presentable(answer: Answer, secrets: readonly string[]): Answer {
  if (answer.kind === 'failed') return { kind: 'failed', reason: bounded(printable(answer.reason, secrets)) }
  const { location, status, text } = answer
  const target = location === undefined ? undefined : (parseTarget(location)?.shown ?? 'an address of its own')
  return {
    ...answer,
    location: target === undefined ? undefined : bounded(printable(target, secrets)),
    text: bounded(withoutContent(printable(text, secrets), status)),
  }
}

function printable(text: string, secrets: readonly string[]): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  return secrets.filter((secret) => secret !== '').reduce((rest, secret) => rest.replaceAll(secret, '***'), line)
}

function withoutContent(text: string, status: number): string {
  const isShown = (word: string) => word === String(status) || isAnswerWord(word)
  return text.replace(WORD, (word) => (isShown(word) ? word : HIDDEN)).replace(HIDDEN_RUN, HIDDEN)
}

function bounded(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text
}
