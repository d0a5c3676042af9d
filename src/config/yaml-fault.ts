import type { YAMLError } from 'yaml'
import type { Fault } from './plain-value.ts'

/**
 * The parser's error in words for who writes the file. None of them repeats text of the file, which might be a secret.
 */
export function yamlFault({ code, message, pos: [offset] }: YAMLError, text: string): Fault {
  const fault = (words: string, hint?: string): Fault => ({ offset, message: words, hint, harmless: false })
  switch (code) {
    case 'DUPLICATE_KEY': {
      const key = /^[\w.-]{1,64}/.exec(text.slice(offset))?.[0] ?? ''
      return { ...fault(`key \`${key}\` stands here twice`, 'keep one of them'), harmless: true }
    }
    case 'TAB_AS_INDENT':
      return fault('a tab cannot indent YAML', 'use spaces')
    case 'MULTIPLE_DOCS':
      return fault('a second document begins here (---)', 'one file holds one document: use several files')
    case 'TAG_RESOLVE_FAILED':
      return fault('tags (!…) are not supported', 'put text that begins with ! in quotes')
    case 'UNEXPECTED_TOKEN':
      return fault('this text does not belong here', 'is it indented like the lines around it?')
    case 'BAD_SCALAR_START':
      return fault(message, 'put it in quotes')
    case 'BLOCK_AS_IMPLICIT_KEY':
      return fault('a second `key: value` in one line', 'put the value in quotes, or begin a new line')
    case 'RESOURCE_EXHAUSTION':
      return fault('this is nested too deep')
    default:
      return fault(message)
  }
}
