import * as z from 'zod/mini'
import { isObject } from '../json.ts'
import { didYouMean } from './suggestion.ts'
import {
  DURATION_PATTERN,
  durationMeant,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
  sizeMeant,
} from './units.ts'

/** Why a value is refused. The text follows the key's name: "`listen` must be …". */
interface Fault {
  readonly fault: string
  readonly hint?: string | undefined
}

interface Bounds {
  readonly min: number
  readonly max: number
}

const isFault = (result: unknown): result is Fault => typeof result === 'object' && result !== null && 'fault' in result

/** Schema of a value that `read` checks and converts. `shape` describes it to editors, as JSON Schema. */
export function scalar<T>(read: (value: unknown) => T | Fault, shape: Readonly<Record<string, unknown>>) {
  return z.pipe(
    z.unknown().check(z.meta(shape)),
    z.transform((value, context): T => {
      const result = read(value)
      if (!isFault(result)) return result
      context.issues.push({ code: 'custom', message: result.fault, params: { hint: result.hint }, input: value })
      return z.NEVER
    }),
  )
}

/** Schema of a duration, in milliseconds. Every duration has a bound because the platform's timers end at 24 days. */
export function duration({ min, max }: Bounds, description: string) {
  const range = `between ${formatDuration(min)} and ${formatDuration(max)}`
  return scalar<number>(
    (value) => {
      const ms = parseDuration(value)
      if (ms === undefined) {
        const fault = 'must be a duration such as 250ms, 5s, 2m or 1h, or a number of seconds'
        return { fault, hint: didYouMean(durationMeant(value)) }
      }
      return ms < min || ms > max ? { fault: `must be ${range}` } : ms
    },
    {
      description: `${description}. A duration such as 250ms, 5s, 2m, 1h, or seconds; ${range}.`,
      type: ['string', 'number'],
      pattern: DURATION_PATTERN.source,
      minimum: 0,
    },
  )
}

/** Schema of a size, in bytes. */
export function size({ min, max }: Bounds, description: string) {
  const range = `between ${formatSize(min)} and ${formatSize(max)}`
  return scalar<number>(
    (value) => {
      const bytes = parseSize(value)
      if (bytes === undefined) {
        const fault = 'must be a size such as 5MB or 1MiB, or a number of bytes'
        return { fault, hint: didYouMean(sizeMeant(value)) }
      }
      return bytes < min || bytes > max ? { fault: `must be ${range}` } : bytes
    },
    {
      description: `${description}. A size such as 5MB or 1MiB, or bytes; ${range}.`,
      type: ['string', 'number'],
      pattern: SIZE_PATTERN.source,
      minimum: 0,
    },
  )
}

/** Schema of a list of strings, also written as one comma-separated string. */
export function list(description: string) {
  return scalar<readonly string[]>(readList, {
    description: `${description}. A list, or one string separated by commas.`,
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
  })
}

function readList(value: unknown): readonly string[] | Fault {
  if (typeof value === 'string') return tidy(value.split(','))
  if (!Array.isArray(value)) return { fault: 'must be a list of strings, or one string separated by commas' }
  const index = value.findIndex((item) => typeof item !== 'string')
  if (index < 0) return tidy(value)
  const mapping = isObject(value[index])
  const hint = mapping ? 'write `key:value` without a space after the colon, or put it in quotes' : 'put it in quotes'
  return { fault: `must be a list of strings; item ${index + 1} is not a string`, hint }
}

const tidy = (items: readonly string[]) => items.map((item) => item.trim()).filter((item) => item !== '')

/** Tags, service and source must fit into the attributes of a record, whatever has to be escaped in them. */
export const MAX_TAGS_LENGTH = 16_000
export const MAX_LABEL_LENGTH = 1000

/** Schema of the tags of records: a list of limited length. */
export function tagList(description: string) {
  return scalar<readonly string[]>(
    (value) => {
      const tags = readList(value)
      const isTooLong = !('fault' in tags) && tags.join().length > MAX_TAGS_LENGTH
      return isTooLong ? { fault: `must not be longer than ${MAX_TAGS_LENGTH} characters in all` } : tags
    },
    {
      description: `${description}. A list, or one string separated by commas.`,
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    },
  )
}

/** Schema of text that matches a pattern. `fault` says what it must be. */
export function matching(pattern: RegExp, fault: string, description: string) {
  return scalar<string>((value) => (typeof value === 'string' && pattern.test(value) ? value : { fault }), {
    description,
    type: 'string',
    pattern: pattern.source,
  })
}

/** Schema of a secret for a header. Trimmed, because a key read from a shell often ends in a newline. */
export function credential(description: string) {
  return scalar<string>(
    (value) => {
      if (typeof value !== 'string') return { fault: 'must be a string', hint: 'put it in quotes' }
      const text = value.trim()
      if (text === '') return { fault: 'is empty' }
      if (text.startsWith('ENC[')) {
        return { fault: 'names a secret backend, which this agent does not support', hint: 'use a file' }
      }
      if (/^[\x21-\x7e]+$/.test(text)) return text
      const hint = /^bearer\s/i.test(text) ? { hint: 'leave out the word Bearer: it is added' } : {}
      return { fault: 'contains spaces, control characters or non-ASCII characters', ...hint }
    },
    { description, type: 'string' },
  )
}
