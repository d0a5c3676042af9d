import { isAbsolute } from 'node:path'
import type { RuleConfig, SourceConfig } from './config.ts'
import { valueAt } from './explain.ts'
import type { Finding, Path } from './finding.ts'
import type { RuleConf, SourceConf } from './schema.ts'

/** What a source takes from around its item. */
export interface SourceSurroundings {
  readonly integration: string
  /** `init_config.service` of its file. */
  readonly service: string | undefined
  readonly tags: readonly string[]
  /** Rules that run before its own. */
  readonly rules: readonly RuleConf[]
}

/** What a record of any source has to hold. */
export function longestLineOf(sources: readonly Pick<SourceConfig, 'maxLineBytes'>[]): number {
  return Math.max(1024, ...sources.map(({ maxLineBytes }) => maxLineBytes))
}

export function resolveSource(conf: SourceConf, around: SourceSurroundings): SourceConfig {
  const category = conf.sourcecategory === undefined ? [] : [`sourcecategory:${conf.sourcecategory}`]
  return {
    integration: around.integration,
    path: conf.path,
    excludePaths: conf.exclude_paths ?? [],
    encoding: conf.encoding || 'utf-8',
    startPosition: conf.start_position ?? 'beginning',
    backfill: conf.backfill ?? false,
    maxLineBytes: conf.max_line_bytes ?? 2 ** 20,
    labels: {
      service: conf.service ?? around.service,
      source: conf.source,
      tags: [...new Set([...around.tags, ...(conf.tags ?? []), ...category])],
    },
    rules: [...around.rules, ...(conf.log_processing_rules ?? [])].map(ruleOf),
  }
}

function ruleOf({ type, name, pattern, replace_placeholder: placeholder = '' }: RuleConf): RuleConfig {
  return type === 'mask_sequences' ? { kind: type, name, pattern, placeholder } : { kind: type, name, pattern }
}

/** What the schema cannot say of an item's path. */
export function pathFindings(path: string, base: Path): readonly Finding[] {
  const fault = path === '' ? undefined : pathFault(path)
  if (fault === undefined) return []
  return [{ path: [...base, 'path'], at: 'value', severity: 'error', message: `\`path\` ${fault}` }]
}

function pathFault(path: string): string | undefined {
  if (!isAbsolute(path)) return 'must be absolute: begin with /'
  return path.endsWith('/') ? 'is a directory: name files in it, for example with *' : undefined
}

/** Compiles the patterns of rules, which need not be sound otherwise. The engine is loaded for this only. */
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
