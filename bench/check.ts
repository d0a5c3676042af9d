import { readFileSync } from 'node:fs'
import type { RowFigures } from './table.ts'

/** Bounds of ratios within one run; no machine's times. */
interface Bounds {
  /** The least share of its limit a work may reach, by name. */
  readonly leastShare: Readonly<Record<string, number>>
  /** The most CPU a work may take as a multiple of what another row of the run takes: `"work / other"`. */
  readonly mostCpuRatio: Readonly<Record<string, number>>
}

/** What is worse than its bound, a sentence each. What was not measured is not judged. */
export function violationsOf(rows: readonly RowFigures[]): readonly string[] {
  const bounds = JSON.parse(readFileSync(new URL('./bounds.json', import.meta.url), 'utf8')) as Bounds
  const named = new Map(rows.map((row) => [row.name, row]))
  const found: string[] = []
  for (const [name, least] of Object.entries(bounds.leastShare)) {
    const share = named.get(name)?.share
    // The best round: others may have been slowed down by something else.
    if (share && share.max < least)
      found.push(`${name}: ${percent(share.max)} of ${share.of}, at least ${percent(least)}`)
  }
  for (const [pair, most] of Object.entries(bounds.mostCpuRatio)) {
    const [work, other] = pair.split(' / ').map((name) => named.get(name)?.cpuSecondsPerGigabyte)
    if (!work || !other) continue
    // A loss shows in the best rounds and in the middle ones; a lucky round of the other shows in one of them.
    const ratio = Math.min(work.min / other.min, work.median / other.median)
    if (ratio > most) found.push(`${pair}: ${ratio.toFixed(2)} times the CPU, at most ${most}`)
  }
  return found
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
