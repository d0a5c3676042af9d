import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { violationsOf } from '../../bench/check.ts'
import { quantile, spreadOf } from '../../bench/statistics.ts'
import type { RowFigures } from '../../bench/table.ts'
import { limits, quickWorkloads } from '../../bench/workloads.ts'

const bounds = JSON.parse(readFileSync(new URL('../../bench/bounds.json', import.meta.url), 'utf8'))
const names = [...quickWorkloads.map(({ name }) => name), ...limits.map((limit) => `limit: ${limit}`)]

function row(name: string, cpuSecondsPerGigabyte: number, share?: number): RowFigures {
  return {
    name,
    megabytesPerSecond: spreadOf([1]),
    cpuSecondsPerGigabyte: spreadOf([cpuSecondsPerGigabyte]),
    peakRssMegabytes: undefined,
    sinkCpuSecondsPerGigabyte: spreadOf([0]),
    share: share === undefined ? undefined : { ...spreadOf([share]), of: 'zstd' },
  }
}

describe('the bounds of ratios', () => {
  test('are about what a quick run measures', () => {
    const bounded = [
      ...Object.keys(bounds.minShare),
      ...Object.keys(bounds.maxCpuRatio).flatMap((pair) => pair.split(' / ')),
    ]
    expect(bounded.filter((name) => !names.includes(name))).toEqual([])
  })

  test('let pass what keeps them and name what does not', () => {
    const limit = row('limit: zstd', 1)
    expect(violationsOf([limit, row('webhook zstd', 1.2, 0.6)])).toEqual([])
    expect(violationsOf([limit, row('webhook zstd', 3, 0.1)])).toEqual([
      `webhook zstd: 10 % of zstd, at least ${100 * bounds.minShare['webhook zstd']} %`,
      `webhook zstd / limit: zstd: 3.00 times the CPU, at most ${bounds.maxCpuRatio['webhook zstd / limit: zstd']}`,
    ])
  })

  test('make no loss of a lucky round', () => {
    const lucky = { ...row('webhook zstd', 2), cpuSecondsPerGigabyte: spreadOf([1, 2, 2]) }
    expect(violationsOf([lucky, row('datadog zstd', 2)])).toEqual([])
  })
})

test('quantiles lie between the values around them', () => {
  expect([0, 0.25, 0.5, 1].map((share) => quantile([1, 2, 4], share))).toEqual([1, 1.5, 2, 4])
})
