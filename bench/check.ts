import { readFileSync } from 'node:fs'
import type { RowFigures } from './table.ts'

/** Bounds on ratios within one run: absolute times would depend on the machine. */
interface Bounds {
  /** Minimum share of its limit, by workload. */
  readonly minShare: Readonly<Record<string, number>>
  /** Maximum CPU relative to another row of the run, by `"workload / other"`. */
  readonly maxCpuRatio: Readonly<Record<string, number>>
}

/** One sentence for each ratio outside its bound. Ratios that were not measured are skipped. */
export function violationsOf(rows: readonly RowFigures[]): readonly string[] {
  const bounds = JSON.parse(readFileSync(new URL('./bounds.json', import.meta.url), 'utf8')) as Bounds
  const named = new Map(rows.map((row) => [row.name, row]))
  const found: string[] = []
  for (const [name, min] of Object.entries(bounds.minShare)) {
    const share = named.get(name)?.share
    // The best round counts: other load on the machine may have slowed the others down.
    if (share && share.max < min) found.push(`${name}: ${percent(share.max)} of ${share.of}, at least ${percent(min)}`)
  }
  for (const [pair, max] of Object.entries(bounds.maxCpuRatio)) {
    const [workload, other] = pair.split(' / ').map((name) => named.get(name)?.cpuSecondsPerGigabyte)
    if (!workload || !other) continue
    // A regression shows in both the minimum and the median; a lucky round of the other row shows in only one of them.
    const ratio = Math.min(workload.min / other.min, workload.median / other.median)
    if (ratio > max) found.push(`${pair}: ${ratio.toFixed(2)} times the CPU, at most ${max}`)
  }
  return found
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
