import type * as z from 'zod/mini'
import { isObject } from '../json.ts'
import type { Path } from './finding.ts'
import { suggestion } from './suggestion.ts'

/** Datadog Agent rule types that have no meaning here. */
const reasons = new Map([
  ['multi_line', 'an audit log has one event per line'],
  ['exclude_truncated', 'lines are not cut into pieces here'],
])

const supported = ['exclude_at_match', 'include_at_match', 'mask_sequences']

/**
 * Returns the Datadog Agent's own sentence for an issue at `path` inside a processing rule; undefined if it has none. `rule`
 * is the mapping that contains the value at `path`.
 */
export function ruleMessage(issue: z.core.$ZodIssue, path: Path, rule: unknown): string | undefined {
  const key = path.at(-1)
  if (path.at(-3) !== 'log_processing_rules' || !isObject(rule)) return undefined
  const { name, type, pattern } = rule
  const named = typeof name === 'string' ? name : ''
  if (key === 'name' && (name === undefined || name === '')) return 'all processing rules must have a name'
  if (key === 'pattern' && (pattern === undefined || pattern === '')) {
    return `no pattern provided for processing rule: ${named}`.trimEnd()
  }
  if (key !== 'type' || issue.code !== 'invalid_value') return undefined
  if (type === undefined) return `type must be set for processing rule \`${named}\``
  if (typeof type !== 'string') return undefined
  const remedy =
    suggestion(type, supported) === undefined ? 'use exclude_at_match, include_at_match or mask_sequences' : undefined
  const reason = reasons.get(type) ?? remedy
  return `type ${type} is not supported for processing rule \`${named}\`${reason === undefined ? '' : `: ${reason}`}`
}
