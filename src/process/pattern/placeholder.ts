import { Buffer } from 'node:buffer'

/** What replaces a match. */
export interface Placeholder {
  readonly parts: readonly Part[]
  /** Set if it is the same for every match. */
  readonly constant: Buffer | undefined
}

/** Literal text, or a group of the match. */
type Part = string | { readonly group: number }

const REFERENCE = /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu

/**
 * Parses a placeholder as Go's `Regexp.Expand` does: `$1`, `$name`, `${1}`, `${name}`; `$$` is a dollar sign. Names are as
 * long as possible, so `$1x` is the group named 1x. Unknown groups are empty. Other dollar signs are literal.
 */
export function parsePlaceholder(text: string, groups: Groups): Placeholder {
  const parts: Part[] = []
  let end = 0
  for (const found of text.matchAll(REFERENCE)) {
    if (found.index > end) parts.push(text.slice(end, found.index))
    end = found.index + found[0].length
    const name = found[1] ?? found[2]
    const group = name === undefined ? undefined : groupOf(name, groups)
    if (name === undefined) parts.push('$')
    else if (group !== undefined) parts.push({ group })
  }
  if (end < text.length) parts.push(text.slice(end))
  const isConstant = parts.every((part) => typeof part === 'string')
  return { parts, constant: isConstant ? Buffer.from(parts.join('')) : undefined }
}

export interface Groups {
  readonly count: number
  readonly named: Readonly<Record<string, number>>
}

function groupOf(name: string, { count, named }: Groups): number | undefined {
  if (!/^(?:0|[1-9][0-9]*)$/.test(name)) return named[name]
  return Number(name) <= count ? Number(name) : undefined
}

/** The replacement for a match in `text`; `bounds` holds the start and end of the match and of its groups. */
export function expand({ parts }: Placeholder, text: string, bounds: readonly number[]): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') return part
      const [start = -1, end = -1] = bounds.slice(2 * part.group)
      return start < 0 ? '' : text.slice(start, end)
    })
    .join('')
}
