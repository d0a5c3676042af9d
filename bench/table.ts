import type { Cost } from './backlog.ts'
import { type Spread, spreadOf } from './statistics.ts'
import type { Limit } from './workloads.ts'

/** All rounds of one workload. */
export interface Row {
  readonly name: string
  readonly limit: Limit | undefined
  readonly costs: readonly Cost[]
  /** Throughput as a share of the limit's in the same round. */
  readonly shares: readonly number[]
}

export interface RowFigures {
  readonly name: string
  readonly megabytesPerSecond: Spread
  readonly cpuSecondsPerGigabyte: Spread
  readonly peakRssMegabytes: Spread | undefined
  readonly sinkCpuSecondsPerGigabyte: Spread
  readonly share: (Spread & { readonly of: Limit }) | undefined
}

export function figuresOf({ name, limit, costs, shares }: Row): RowFigures {
  const rss = costs.map(({ peakRssBytes }) => peakRssBytes / 1e6)
  return {
    name,
    megabytesPerSecond: spreadOf(costs.map((cost) => cost.megabytesPerSecond)),
    cpuSecondsPerGigabyte: spreadOf(costs.map((cost) => cost.cpuSecondsPerGigabyte)),
    sinkCpuSecondsPerGigabyte: spreadOf(costs.map((cost) => cost.sinkCpuSecondsPerGigabyte)),
    peakRssMegabytes: rss.some(Number.isNaN) ? undefined : spreadOf(rss),
    share: limit === undefined || shares.length === 0 ? undefined : { ...spreadOf(shares), of: limit },
  }
}

const WIDTHS = [30, 20, 20, 18, 20, 28]

export function renderRows(rows: readonly RowFigures[]): string {
  const lines = rows.map(({ name, peakRssMegabytes, share, ...row }) => [
    name,
    spread(row.megabytesPerSecond, 0),
    spread(row.cpuSecondsPerGigabyte, 2),
    peakRssMegabytes ? spread(peakRssMegabytes, 0) : '',
    spread(row.sinkCpuSecondsPerGigabyte, 2),
    share ? `${spread(scaled(share, 100), 0)} % of ${share.of}` : '',
  ])
  return table([['WORKLOAD', 'MB/S', 'CPU S/GB', 'PEAK RSS MB', 'SINK CPU S/GB', 'SHARE OF THE LIMIT'], ...lines])
}

export function table(lines: readonly (readonly string[])[]): string {
  const rows = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0))
      .join('')
      .trimEnd(),
  )
  return `${rows.join('\n')}\n`
}

function spread({ median, min, max }: Spread, digits: number): string {
  const [middle, least, most] = [median, min, max].map((value) => value.toFixed(digits))
  return least === most ? `${middle}` : `${middle} (${least}–${most})`
}

function scaled({ median, min, max }: Spread, factor: number): Spread {
  return { median: median * factor, min: min * factor, max: max * factor }
}
