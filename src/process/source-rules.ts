import type { Origin } from '../block.ts'
import type { SourceConfig } from '../config/config.ts'
import type { LineRules } from './rules.ts'

/**
 * The rules of the source an origin belongs to; undefined: none. Every origin carries the labels of its source, the very
 * object. The engine is loaded for sources with rules only.
 */
export async function openRules(sources: readonly SourceConfig[]): Promise<(origin: Origin) => LineRules | undefined> {
  const ruled = sources.filter(({ rules }) => rules.length > 0)
  if (ruled.length === 0) return () => undefined
  const { compileRules } = await import('./rules.ts')
  const byLabels = new Map(ruled.map(({ labels, rules }) => [labels, compileRules(rules)]))
  return ({ labels }) => byLabels.get(labels)
}
