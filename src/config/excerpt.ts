/** A line of a file, safe to print: no secrets, no control characters, bounded length. */
export interface Excerpt {
  readonly text: string
  /** Number of characters of `text` before the fault; undefined if something before it is masked, which shifts columns. */
  readonly caret: number | undefined
}

const MAX_EXCERPT_CHARS = 120
const mask = '********'

/**
 * Matches a key with a secret value, and everything up to the value, even if the syntax is wrong. Does not match a key that
 * names a file.
 */
const secretKey =
  /(?:^|\W)[\w-]*(?:api[_-]?key|token|passw(?:or)?d|secret|authorization|cookie|credential|headers|signature)(?!_file)[\w-]*[^\w\s:=]?\s*[:=]\s*/i

/** Matches such a key without a value on its line: the value is on the lines below, even if the indentation is wrong. */
const secretWithoutValue = new RegExp(`${secretKey.source}[|>]?[+-]?\\d?\\s*$`, 'i')

/** `line` and `column` count from 1. */
export function excerptOf(lines: readonly string[], line: number, column: number): Excerpt {
  const masked = withoutSecrets(lines, line - 1)
  const before = (lines[line - 1] ?? '').slice(0, column - 1)
  const from = Math.max(0, Math.min(before.length - MAX_EXCERPT_CHARS / 2, masked.length - MAX_EXCERPT_CHARS))
  const text = masked.slice(from, from + MAX_EXCERPT_CHARS).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
  return { text: text.trimEnd(), caret: masked.startsWith(before) ? before.length - from : undefined }
}

function withoutSecrets(lines: readonly string[], index: number): string {
  const text = lines[index] ?? ''
  const own = secretKey.exec(text)
  if (own !== null) return hideFrom(text, own.index + own[0].length)
  const above = lines.slice(0, index).filter((line) => line.trim() !== '')
  const parent = above.findLast((line) => indent(line) < indent(text))
  if (secretKey.test(parent ?? '') || secretWithoutValue.test(above.at(-1) ?? '')) {
    const colon = text.indexOf(':')
    return hideFrom(text, colon < 0 ? text.length - text.trimStart().length : colon + 2)
  }
  return text.replace(/\/\/[^/@\s]+@/g, `//${mask}@`).replace(/\b[0-9a-f]{32,}\b/gi, mask)
}

const hideFrom = (text: string, start: number) => (start < text.length ? `${text.slice(0, start)}${mask}` : text)

const indent = (text: string) =>
  text.slice(0, text.length - text.trimStart().length).replaceAll('\t', '        ').length
