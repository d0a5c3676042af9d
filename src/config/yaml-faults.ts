import { type Document, isCollection, isScalar, visit, type YAMLError } from 'yaml'
import type { Fault } from './plain-value.ts'

/** What to report, and where if not at the parser's offset. */
interface Explanation {
  readonly message: string
  readonly hint?: string
  readonly offset?: number
}

/** Where the parser stopped. */
interface Spot {
  readonly text: string
  readonly offset: number
  /** The line up to the offset; `behind` is the rest of it. */
  readonly before: string
  readonly behind: string
  /** Maps the end of each quoted or bracketed value to its start. */
  readonly openings: ReadonlyMap<number, number>
}

/** Explains the parser's errors to the author of the file. Never repeats a value, which might be a secret. */
export function yamlFaults(yaml: Document, text: string): readonly Fault[] {
  const tags = yaml.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED')
  const openings = yaml.errors.length === 0 ? new Map() : openingsOf(yaml, text)
  return [...firstOfEachPlace(yaml.errors), ...tags].map(({ code, message, pos: [offset] }) => {
    const start = text.lastIndexOf('\n', offset - 1) + 1
    const end = text.indexOf('\n', offset)
    const behind = text.slice(offset, end < 0 ? undefined : end)
    const spot: Spot = { text, offset, before: text.slice(start, offset), behind, openings }
    const explanation = explainMessage(message, spot) ?? explainCode(code, spot) ?? { message }
    return { offset, hint: undefined, harmless: code === 'DUPLICATE_KEY', ...explanation }
  })
}

/** Keeps the first error at each offset: further ones are the same mistake, reported by enclosing nodes. */
function firstOfEachPlace(errors: readonly YAMLError[]): readonly YAMLError[] {
  const seen = new Set<number>()
  return errors.filter(({ pos: [offset] }) => seen.size < seen.add(offset).size)
}

function openingsOf(yaml: Document, text: string): ReadonlyMap<number, number> {
  const openings = new Map<number, number>()
  visit(yaml, (_, node) => {
    if (!isScalar(node) && !isCollection(node)) return
    const [start, end] = node.range ?? []
    if (start !== undefined && end !== undefined && /["'[{]/.test(text.charAt(start))) openings.set(end, start)
  })
  return openings
}

function explainCode(code: YAMLError['code'], spot: Spot): Explanation | undefined {
  switch (code) {
    case 'DUPLICATE_KEY': {
      const key = /^[\w.-]{1,64}/.exec(spot.behind)?.[0] ?? ''
      return { message: `duplicate key \`${key}\``, hint: 'keep one of them' }
    }
    case 'TAB_AS_INDENT':
      return { message: 'YAML cannot be indented with tabs', hint: 'use spaces' }
    case 'BAD_INDENT':
      return badIndent(spot)
    case 'MULTILINE_IMPLICIT_KEY':
      return noValue(spot)
    case 'BLOCK_AS_IMPLICIT_KEY':
      return secondPair(spot)
    case 'BLOCK_IN_FLOW':
      return missingComma
    case 'MULTIPLE_DOCS':
      return {
        message: 'a second document begins here (---)',
        hint: 'a file holds one document: split it into several files',
      }
    case 'TAG_RESOLVE_FAILED':
      return { message: 'tags (!…) are not supported', hint: 'put text that begins with ! in quotes' }
    case 'UNEXPECTED_TOKEN':
      return outOfPlace(spot)
    case 'BAD_SCALAR_START':
      return { message: `a value cannot begin with ${spot.behind.charAt(0)}`, hint: 'put it in quotes' }
    case 'BAD_ALIAS':
      return {
        message: 'an anchor (&…) or alias (*…) needs a name',
        hint: 'put text that begins with & or * in quotes',
      }
    case 'BAD_DQ_ESCAPE':
      return {
        message: 'this is not an escape that double quotes allow',
        hint: 'write \\\\ for a backslash, or use single quotes',
      }
    case 'RESOURCE_EXHAUSTION':
      return { message: 'this is nested too deeply' }
    default:
      return undefined
  }
}

/** For codes that cover several mistakes, which only the message distinguishes. */
function explainMessage(message: string, spot: Spot): Explanation | undefined {
  if (/^Missing closing /.test(message)) return unclosed(spot, 'close it at the end of the value')
  if (/^Flow .* end with /.test(message)) return unclosed(spot, 'close it; if it spans several lines, indent them')
  if (/^Sequence item without /.test(message)) return badIndent(spot)
  if (/^Implicit map keys need /.test(message)) return noValue(spot)
  if (/^Missing , /.test(message)) return missingComma
  if (/^Missing space after :/.test(message)) return { message: 'a space is missing after the colon' }
  if (/^Comments must be separated /.test(message)) {
    return { message: 'a comment (#) needs a space before it', hint: 'put the value in quotes if # belongs to it' }
  }
  return undefined
}

const missingComma: Explanation = {
  message: 'a comma is missing here, inside { } or [ ]',
  hint: 'write {key: value, key: value} and [item, item]',
}

/** The parser reports the end of the file, or of what it took for the value. */
function unclosed({ text, offset, openings }: Spot, hint: string): Explanation {
  const opening = openings.get(offset) ?? offset
  return { message: `this ${text.charAt(opening)} is not closed`, hint, offset: opening }
}

/** The parser reports the start of the line. */
function badIndent({ text, offset }: Spot): Explanation {
  const indentation = /^[ \t]*/.exec(text.slice(offset))?.[0] ?? ''
  if (indentation.includes('\t')) return { message: 'YAML cannot be indented with tabs', hint: 'use spaces' }
  return {
    message: 'the indentation does not match the lines around it',
    hint: 'align the keys of a mapping in one column, also after `- `, and the dashes of a list',
    offset: offset + indentation.length,
  }
}

function noValue({ behind }: Spot): Explanation {
  if (behind.includes('\u00a0')) {
    return { message: 'this line has a no-break space (U+00A0)', hint: 'replace it with a plain space' }
  }
  if (/^[\w.-]+:\S/.test(behind)) return { message: 'a space is missing after the colon', hint: 'write `key: value`' }
  return {
    message: 'this is not `key: value`',
    hint: 'is the colon missing, or does the line belong to the one above?',
  }
}

function secondPair({ offset, before, behind }: Spot): Explanation {
  if (/^\s*-[\w"']/.test(before)) {
    return {
      message: 'a space is missing after the dash',
      hint: 'write `- key: value`',
      offset: offset - before.trimStart().length,
    }
  }
  if (/:(?:\s|$)/.test(behind)) {
    return { message: 'a second `key: value` on one line', hint: 'put the value in quotes, or begin a new line' }
  }
  return {
    message: 'the next line is indented deeper, but this one already has its value',
    hint: 'indent it like this one',
  }
}

function outOfPlace({ before, behind }: Spot): Explanation {
  if (/^[\]}]/.test(behind)) return { message: `this ${behind.charAt(0)} closes nothing` }
  if (behind.startsWith(',')) return { message: 'there is nothing before this comma' }
  if (/^[|>]/.test(behind) || /[|>]\s*$/.test(before)) {
    return { message: 'nothing may follow | or > on the same line', hint: 'begin the text on the next line' }
  }
  if (/["']\s*$/.test(before)) {
    return {
      message: 'the value ends at the quote before this',
      hint: 'quote all of it; inside single quotes, write the quote twice',
    }
  }
  return { message: 'this text does not belong here', hint: 'is it indented like the lines around it?' }
}
