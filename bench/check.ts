import { readFileSync } from 'node:fs'
import type { RowFigures } from './table.ts'

/** Bounds of ratios within one run; no machine's times. */
interface Bounds {
  /** The least share of its limit a workload may reach, by name. */
  readonly minShare: Readonly<Record<string, number>>
  /** The most CPU a workload may take as a multiple of what another row of the run takes: `"workload / other"`. */
  readonly maxCpuRatio: Readonly<Record<string, number>>
}

/** What is worse than its bound, a sentence each. What was not measured is not judged. */
export function violationsOf(rows: readonly RowFigures[]): readonly string[] {
  const bounds = JSON.parse(readFileSync(new URL('./bounds.json', import.meta.url), 'utf8')) as Bounds
  const named = new Map(rows.map((row) => [row.name, row]))
  const found: string[] = []
  for (const [name, min] of Object.entries(bounds.minShare)) {
    const share = named.get(name)?.share
    // The best round: others may have been slowed down by something else.
    if (share && share.max < min) found.push(`${name}: ${percent(share.max)} of ${share.of}, at least ${percent(min)}`)
  }
  for (const [pair, max] of Object.entries(bounds.maxCpuRatio)) {
    const [workload, other] = pair.split(' / ').map((name) => named.get(name)?.cpuSecondsPerGigabyte)
    if (!workload || !other) continue
    // A loss shows in the best rounds and in the middle ones; a lucky round of the other shows in one of them.
    const ratio = Math.min(workload.min / other.min, workload.median / other.median)
    if (ratio > max) found.push(`${pair}: ${ratio.toFixed(2)} times the CPU, at most ${max}`)
  }
  return found
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
