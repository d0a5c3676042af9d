import type { Origin } from '../chunk.ts'
import type { SourceConfig } from '../config/config.ts'
import type { LineRules } from './rules.ts'

/** The rules for the lines of an origin; undefined if there are none. */
export type RulesOf = (origin: Origin) => LineRules | undefined

/**
 * Finds rules by the identity of the `labels` object, which every origin shares with its source. Throws if it is unknown: a
 * defect, after which lines must not be sent unmasked. The engine is loaded only if a source has rules.
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
