import { isAbsolute } from 'node:path'
import type { RuleConfig, SourceConfig } from './config.ts'
import { unexpandedPart } from './doubts.ts'
import { valueAt } from './explain.ts'
import { type Finding, type Path, shortName } from './finding.ts'
import type { RuleConf, SourceConf } from './schema.ts'

/** What a source inherits. */
export interface SourceContext {
  readonly integration: string
  /** `init_config.service` of its file. */
  readonly service: string | undefined
  readonly tags: readonly string[]
  /** Rules that apply before its own. */
  readonly rules: readonly RuleConf[]
}

/** Returns the largest `maxLineBytes` of all sources, but at least 1024. */
export function longestLineOf(sources: readonly Pick<SourceConfig, 'maxLineBytes'>[]): number {
  return Math.max(1024, ...sources.map(({ maxLineBytes }) => maxLineBytes))
}

export function resolveSource(conf: SourceConf, inherited: SourceContext): SourceConfig {
  const category = conf.sourcecategory === undefined ? [] : [`sourcecategory:${conf.sourcecategory}`]
  return {
    integration: inherited.integration,
    path: conf.path,
    excludePaths: conf.exclude_paths ?? [],
    encoding: conf.encoding || 'utf-8',
    startPosition: conf.start_position ?? 'beginning',
    backfill: conf.backfill ?? false,
    maxLineBytes: conf.max_line_bytes ?? 2 ** 20,
    labels: {
      service: conf.service ?? inherited.service,
      source: conf.source,
      tags: [...new Set([...inherited.tags, ...(conf.tags ?? []), ...category])],
    },
    rules: [...inherited.rules, ...(conf.log_processing_rules ?? [])].map(ruleOf),
  }
}

function ruleOf({ type, name, pattern, replace_placeholder: placeholder = '' }: RuleConf): RuleConfig {
  return type === 'mask_sequences' ? { kind: type, name, pattern, placeholder } : { kind: type, name, pattern }
}

/** Checks an item's paths for what the schema cannot express. */
export function pathFindings(item: unknown, base: Path): readonly Finding[] {
  const excluded = valueAt(item, ['exclude_paths'])
  const patterns = typeof excluded === 'string' ? excluded.split(',').map((one) => one.trim()) : excluded
  return [
    ...findingsOf(valueAt(item, ['path']), [...base, 'path'], (path) => pathFault(path) ?? globFault(path)),
    ...(Array.isArray(patterns) ? patterns : []).flatMap((one, index) =>
      findingsOf(one, [...base, 'exclude_paths', index], (path) => globFault(path) ?? idleExclusion(path)),
    ),
  ]
}

interface PathFault {
  /** Follows the name of the key. */
  readonly fault: string
  readonly hint?: string
  readonly severity?: 'warning'
}

function findingsOf(path: unknown, place: Path, faultOf: (path: string) => PathFault | undefined): readonly Finding[] {
  const found = typeof path === 'string' && path !== '' ? faultOf(path) : undefined
  if (found === undefined) return []
  const { fault, hint, severity = 'error' } = found
  return [{ path: place, at: 'value', severity, message: `\`${shortName(place)}\` ${fault}`, hint }]
}

function pathFault(path: string): PathFault | undefined {
  if (/^["'“”‘’]/.test(path))
    return { fault: 'begins with a quotation mark that YAML does not know', hint: 'use straight ones: " or \'' }
  if (!isAbsolute(path)) {
    const part = unexpandedPart(path)
    return { fault: 'must be absolute: begin with /', ...(part && { hint: `it ${part}, which is not expanded` }) }
  }
  if (path.endsWith('/')) return { fault: 'is a directory: name files in it, for example with *' }
  const isList = /,\s*\//.test(path.replace(/\{[^{}]*\}/g, ''))
  return isList
    ? { fault: 'takes one path or glob, not several', hint: 'give each its own item of `logs:`', severity: 'warning' }
    : undefined
}

/** A pattern is matched against whole paths, so one that begins with neither / nor * excludes nothing. */
function idleExclusion(pattern: string): PathFault | undefined {
  if (isAbsolute(pattern) || pattern.startsWith('*')) return undefined
  return { fault: 'excludes nothing, as it is not absolute', hint: 'begin it with / or **/', severity: 'warning' }
}

/** Every choice in braces multiplies the number of patterns it is expanded to. */
const MAX_BRACES = 6

/** Features of other glob dialects that would silently match nothing here. */
function globFault(path: string): PathFault | undefined {
  if (/\{[^{},]*\.\.[^{},]*\}/.test(path))
    return { fault: 'has a range in braces, which is not supported: write it out, as in {1,2,3}' }
  if (/\[\[:\w+:\]/.test(path))
    return { fault: 'has a character class, which is not supported: write a range such as [0-9]' }
  return path.split('{').length - 1 > MAX_BRACES
    ? { fault: `has more than ${MAX_BRACES} choices in braces` }
    : undefined
}
