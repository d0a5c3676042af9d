import type { Origin } from '../block.ts'
import type { SourceConfig } from '../config/config.ts'
import type { LineRules } from './rules.ts'

/** The rules for the lines of an origin; undefined: none. */
export type RulesOf = (origin: Origin) => LineRules | undefined

/**
 * Every origin carries its source's `labels` object itself, which finds the rules. One that is not known is a defect, and no
 * reason to send its lines unmasked. The engine is loaded only where a source has rules.
 */
export async function openRules(sources: readonly SourceConfig[]): Promise<RulesOf> {
  if (sources.every(({ rules }) => rules.length === 0)) return () => undefined
  const { compileRules } = await import('./rules.ts')
  const byLabels = new Map(
    sources.map(({ labels, rules }) => [labels, rules.length > 0 ? compileRules(rules) : undefined]),
  )
  return ({ labels }) => {
    if (!byLabels.has(labels)) throw new Error('an origin of no source')
    return byLabels.get(labels)
  }
}
