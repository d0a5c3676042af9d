import type { Origin } from '../block.ts'
import type { SourceConfig } from '../config/config.ts'
import type { LineRules } from './rules.ts'

/**
 * The rules of an origin's source; undefined: none. Every origin carries its source's `labels` object itself. The engine is
 * loaded only for sources with rules.
 */
export async function openRules(sources: readonly SourceConfig[]): Promise<(origin: Origin) => LineRules | undefined> {
  const ruled = sources.filter(({ rules }) => rules.length > 0)
  if (ruled.length === 0) return () => undefined
  const { compileRules } = await import('./rules.ts')
  const byLabels = new Map(ruled.map(({ labels, rules }) => [labels, compileRules(rules)]))
  return ({ labels }) => byLabels.get(labels)
}
