import { isAbsolute } from 'node:path'
import type { RuleConfig, SourceConfig } from './config.ts'
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

/** The longest line a record of any source must hold. */
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

/** Checks of an item's paths that the schema cannot express. */
export function pathFindings(item: unknown, base: Path): readonly Finding[] {
  const excluded = valueAt(item, ['exclude_paths'])
  const refused = (key: Path, path: unknown, faultOf: (path: string) => string | undefined): readonly Finding[] => {
    const fault = typeof path === 'string' && path !== '' ? faultOf(path) : undefined
    const message = `\`${shortName(key)}\` ${fault}`
    return fault === undefined ? [] : [{ path: [...base, ...key], at: 'value', severity: 'error', message }]
  }
  return [
    ...refused(['path'], valueAt(item, ['path']), (path) => pathFault(path) ?? globFault(path)),
    ...(Array.isArray(excluded) ? excluded : []).flatMap((one, index) =>
      refused(['exclude_paths', index], one, globFault),
    ),
  ]
}

function pathFault(path: string): string | undefined {
  if (!isAbsolute(path)) return 'must be absolute: begin with /'
  return path.endsWith('/') ? 'is a directory: name files in it, for example with *' : undefined
}

/** Every choice in braces is expanded. */
const MAX_BRACES = 6

/** Features of other glob dialects that would silently match nothing here. */
function globFault(path: string): string | undefined {
  if (/\{[^{},]*\.\.[^{},]*\}/.test(path))
    return 'has a range in braces, which is not supported: write it out, as in {1,2,3}'
  if (/\[\[:\w+:\]/.test(path)) return 'has a character class, which is not supported: write a range such as [0-9]'
  return path.split('{').length - 1 > MAX_BRACES ? `has more than ${MAX_BRACES} choices in braces` : undefined
}

/** Compiles the patterns of rules, which may be invalid otherwise. The engine is loaded only for this. */
export async function patternFindings(rules: unknown, base: Path): Promise<readonly Finding[]> {
  if (!Array.isArray(rules) || rules.length === 0) return []
  const engine = await import('re2js')
  return rules.flatMap((rule: unknown, index): Finding[] => {
    const [name, pattern] = [valueAt(rule, ['name']), valueAt(rule, ['pattern'])]
    if (typeof pattern !== 'string' || pattern === '') return []
    const reason = compileFault(engine, pattern)
    if (reason === undefined) return []
    const message = `invalid pattern ${pattern} for processing rule: ${typeof name === 'string' ? name : ''} (${reason})`
    const hint = /\(\?<?[=!]|\\[1-9]/.test(pattern) ? 'RE2 has no lookaround and no backreferences' : undefined
    return [{ path: [...base, index, 'pattern'], at: 'value', severity: 'error', message, hint }]
  })
}

function compileFault(engine: typeof import('re2js'), pattern: string): string | undefined {
  try {
    engine.RE2JS.compile(pattern)
    return undefined
  } catch (error) {
    if (error instanceof engine.RE2JSSyntaxException) return error.message
    throw error
  }
}
