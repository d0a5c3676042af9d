import * as z from 'zod/mini'
import type { Finding, Path } from './finding.ts'
import { ruleMessage } from './rule-message.ts'
import { commonDestinationSchema } from './schema.ts'
import { didYouMean, suggestion } from './suggestion.ts'
import { unknownKey } from './unknown-key.ts'

type Issue = z.core.$ZodIssue

export interface Context {
  /** The checked value; `base` is its path. */
  readonly value: unknown
  readonly base: Path
  /** Returns what a message calls the value at a path. */
  readonly nameOf: (path: Path) => string
  /** Whether the value comes from YAML, so that hints may show YAML. */
  readonly isYaml: boolean
}

/** Returns the findings to report for one issue of the schema. */
export function explain(issue: Issue, context: Context): readonly Finding[] {
  return [
    ...explainOne(issue, context),
    ...issuesOfAnyType(issue, context).flatMap((other) => explainOne(other, context)),
  ]
}

/** Returns the issues of keys that every type of destination has: the schema stops at a type it does not know. */
function issuesOfAnyType(issue: Issue, { value }: Context): readonly Issue[] {
  if (issue.code !== 'invalid_union') return []
  const path = issue.path.slice(0, -1)
  const { error } = z.safeParse(commonDestinationSchema, valueAt(value, path))
  return error?.issues.map((other) => ({ ...other, path: [...path, ...other.path] })) ?? []
}

function explainOne(issue: Issue, { value, base, nameOf, isYaml }: Context): readonly Finding[] {
  const path = [...base, ...issue.path]
  const found = valueAt(value, issue.path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, found))
  const at = found === undefined ? 'absent' : 'value'
  const known = ruleMessage(issue, path, valueAt(value, issue.path.slice(0, -1))) ?? sourceMessage(path, found)
  const { predicate, ...explanation } = found === undefined ? absent(issue) : refused(issue, found)
  const hint = isYaml || issue.code !== 'invalid_type' ? (explanation.hint ?? onlyWayToWrite(path, found)) : undefined
  if (known !== undefined) return [{ path, at, severity: 'error', message: known, hint }]
  const name = path.length === 0 ? 'a configuration' : `\`${nameOf(path)}\``
  return [{ path, at, severity: 'error', message: `${name} ${predicate}`, hint }]
}

/** Returns how to write the value if there is only one way; undefined otherwise. */
function onlyWayToWrite(path: Path, found: unknown): string | undefined {
  if (path[0] === 'logs' && path.length === 3 && path[2] === 'type' && found === undefined) return 'add `type: file`'
  if (path[0] === 'logs' && path.length < 3 && typeof found === 'string')
    return 'write `- type: file`, and below it `path: /…`'
  if (path.at(-1) === 'proxy' && typeof found === 'string') return 'write `proxy: {https: "http://proxy:3128"}`'
  return path[0] === 'server' && path.length === 1 && found === false ? 'write `server: {listen: false}`' : undefined
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (parent, step) =>
      typeof parent === 'object' && parent !== null && Object.hasOwn(parent, step)
        ? Reflect.get(parent, step)
        : undefined,
    value,
  )
}

/** Returns the Datadog Agent's own sentence, which its users know; undefined if it has none. */
function sourceMessage(path: Path, found: unknown): string | undefined {
  if (path[0] !== 'logs' || path.length !== 3) return undefined
  if (path[2] === 'path' && (found === undefined || found === '')) return 'file source must have a path'
  if (path[2] !== 'type') return undefined
  if (found === undefined) return 'a config must have a type'
  return typeof found === 'string'
    ? `type ${quoted(found)} is not supported: this agent tails files (type: file)`
    : undefined
}

interface Explanation {
  /** Follows the name of the key. */
  readonly predicate: string
  readonly hint?: string | undefined
}

function absent(issue: Issue): Explanation {
  if (issue.code === 'invalid_union') return { predicate: `is missing: ${choice(typesOf(issue))}` }
  return { predicate: 'is missing' }
}

function refused(issue: Issue, found: unknown): Explanation {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, found)
    case 'invalid_value':
      return notAChoice(issue.values, found)
    case 'invalid_union':
      return notAChoice(typesOf(issue), found)
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return { predicate: 'must not be empty' }
      return { predicate: `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}` }
    case 'too_big':
      if (issue.origin === 'string') return { predicate: `must not be longer than ${issue.maximum} characters` }
      return { predicate: `must be at most ${issue.maximum}` }
    case 'custom':
      return { predicate: issue.message, hint: issue.params?.hint }
    default:
      return { predicate: 'is not valid' }
  }
}

/** The possible `type` values of a discriminated union. */
const typesOf = (issue: z.core.$ZodIssueInvalidUnion) => ('options' in issue ? (issue.options ?? []) : [])

const nouns: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping (key: value)',
  record: 'a mapping (key: value)',
}

function wrongType(expected: string, found: unknown): Explanation {
  if (expected === 'int' && typeof found === 'number') return { predicate: 'must be a whole number' }
  const predicate = `must be ${nouns[expected] ?? expected}, not ${kindOf(found)}`
  if (expected === 'string' && typeof found !== 'object') return { predicate, hint: 'put it in quotes' }
  if (expected === 'array' && kindOf(found) === 'a mapping') return { predicate, hint: 'begin each item with `- `' }
  if (typeof found !== 'string') return { predicate }
  if (/^(?:object|record)$/.test(expected) && /^[\w.-]+:[^\s/]/.test(found)) {
    return { predicate, hint: 'is a space missing after the colon?' }
  }
  if (expected === 'boolean') return { predicate, hint: booleanMeant(found) }
  const numeric = (expected === 'number' || expected === 'int') && /^[\d.]+$/.test(found)
  return { predicate, hint: numeric ? 'leave out the quotes' : undefined }
}

/** Returns a hint for words that were booleans in YAML 1.1; undefined for others. */
function booleanMeant(text: string): string | undefined {
  if (/^(?:true|false)$/i.test(text)) return 'write it in lower case and without quotes'
  if (/^(?:yes|y|on)$/i.test(text)) return didYouMean('true')
  return /^(?:no|n|off)$/i.test(text) ? didYouMean('false') : undefined
}

function notAChoice(values: readonly unknown[], found: unknown): Explanation {
  const choices = values.map(String).filter((value) => value !== '')
  const near = typeof found === 'string' ? suggestion(found, choices) : undefined
  const given = typeof found === 'string' ? quoted(found) : kindOf(found)
  return { predicate: `must be ${choice(choices)}, not ${given}`, hint: didYouMean(near) }
}

const choice = (values: readonly unknown[]) =>
  values.length < 2 ? String(values[0]) : `${values.slice(0, -1).join(', ')} or ${String(values.at(-1))}`

const quoted = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return typeof value === 'string' || typeof value === 'number' ? `a ${typeof value}` : String(value)
}
