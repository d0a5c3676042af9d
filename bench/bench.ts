/** `npm run bench`: what shipping costs, compared with the most this machine can do. */
import { cpus } from 'node:os'
import { type Cleanup, prepareCleanup } from '../src/demo/cleanup.ts'
import type { Bench } from './backlog.ts'
import { violationsOf } from './check.ts'
import { createFixture, type FixtureSpec } from './fixture.ts'
import { measureIdle } from './idle.ts'
import { measureLatency } from './latency.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { measureProbes } from './probe.ts'
import { startSink } from './programs.ts'
import { measureShipping, type Shipping } from './shipping.ts'
import { soak } from './soak.ts'
import { quantile } from './statistics.ts'
import { figuresOf, type RowFigures, renderRows, table } from './table.ts'
import { quickWorkloads, type Workload, withLargeBatches, withRules, workloads } from './workloads.ts'

const MEBIBYTE = 1024 * 1024

/** Name, number of files, and total bytes to ship before the agent goes idle. */
const idleFiles = [
  ['1 quiet file', 1, 10_000],
  ['1 quiet file after 512 MiB', 1, 512 * MEBIBYTE],
  ['1000 quiet files', 1000, 10_000_000],
] as const

/** A part of the output, printed as a table or as JSON. */
interface Section {
  readonly title: string
  readonly rows?: readonly RowFigures[]
  readonly lines?: readonly (readonly string[])[]
}

type Measure = (options: Options, bench: Bench) => Promise<Section[]>

const sections: Readonly<Record<string, Measure>> = {
  async shipping(options, bench) {
    const spec = { bytes: (options.quick ? 512 : 1024) * MEBIBYTE, files: 1, lines: 'events' as const }
    const more = [withLargeBatches(workloads.webhookNone), withRules(workloads.webhookNone)]
    const all = options.quick ? quickWorkloads : [...Object.values(workloads), ...more]
    return [await shipped(`shipping ${describe(spec)}`, { spec, all, beside: 'limits and peers' }, options, bench)]
  },
  async lines(options, bench) {
    const done: Section[] = []
    for (const lines of [200, 2_000, 20_000, 200_000]) {
      const spec = { bytes: 512 * MEBIBYTE, files: 1, lines }
      const all = [workloads.webhookNone, workloads.datadogZstd].map((workload) =>
        lines < 1000 && workload === workloads.webhookNone ? withLargeBatches(workload) : workload,
      )
      done.push(await shipped(`lines: ${describe(spec)}`, { spec, all, beside: 'nothing' }, options, bench))
    }
    return done
  },
  async files(options, bench) {
    const done: Section[] = []
    for (const files of [1, 10, 100, 1000]) {
      const spec = { bytes: 512 * MEBIBYTE, files, lines: 2_000 }
      const all = [workloads.webhookNone, workloads.datadogZstd]
      done.push(await shipped(`files: ${describe(spec)}`, { spec, all, beside: 'nothing' }, options, bench))
    }
    return done
  },
  async backlog(options, bench) {
    const spec = { bytes: 8192 * MEBIBYTE, files: 1, lines: 'events' as const }
    const all = [workloads.webhookNone, withLargeBatches(workloads.webhookNone), workloads.datadogZstd]
    return [await shipped(`backlog: ${describe(spec)}`, { spec, all, beside: 'limits' }, options, bench)]
  },
  async idle(_options, bench) {
    // Concurrently, because each takes minutes of waiting.
    const lines = await Promise.all(
      idleFiles.map(async ([name, files, bytes]) => {
        const { cpuShare, residentBytes, anonymousBytes } = await measureIdle({ files, bytes, seconds: 60 }, bench)
        const megabytes = [residentBytes, anonymousBytes].map((count) => (count / 1e6).toFixed(0))
        return [name, `${(100 * cpuShare).toFixed(2)} %`, ...megabytes]
      }),
    )
    return [{ title: 'idle', lines: [['', 'OF A CORE', 'RSS MB', 'ANONYMOUS MB'], ...lines] }]
  },
  async latency(_options, bench) {
    const { lines, ...ms } = await measureLatency(20, bench)
    const row = [ms.p50, ms.p99, ms.max].map((value) => value.toFixed(1))
    const title = `latency from write to arrival of the request: ${lines} lines, 1,000/s, batch_max_wait 0`
    return [
      {
        title,
        lines: [
          ['', 'P50 MS', 'P99 MS', 'MAX MS'],
          ['line', ...row],
        ],
      },
    ]
  },
  async probe(_options, bench) {
    const costs = await measureProbes(10, bench)
    const cpu = quantile(
      costs.map(({ cpuSeconds }) => cpuSeconds).sort((a, b) => a - b),
      0.5,
    )
    const rss = Math.max(...costs.map(({ peakRssBytes }) => peakRssBytes))
    const row = ['agent status --check', (1000 * cpu).toFixed(0), (rss / 1e6).toFixed(0)]
    return [{ title: 'probe: 10 runs', lines: [['', 'MEDIAN CPU MS', 'PEAK RSS MB'], row] }]
  },
  async soak({ minutes, load }, bench) {
    const lines = [['MINUTE', 'MB/S', 'OF A CORE', 'RSS MB', 'PEAK MB']]
    for await (const { minute, cpuShare, ...bytes } of soak({ minutes, load }, bench)) {
      const megabytes = [bytes.bytesPerSecond, bytes.residentBytes, bytes.peakBytes].map((count) =>
        (count / 1e6).toFixed(0),
      )
      lines.push([String(minute), megabytes[0] ?? '', `${(100 * cpuShare).toFixed(1)} %`, ...megabytes.slice(1)])
    }
    const pace = load === 'steady' ? '10 MB/s, rotated every 50 MiB' : 'full speed, rotated every 128 MiB'
    return [{ title: `soak: datadog zstd, ${pace}`, lines }]
  },
}

async function shipped(
  title: string,
  {
    spec,
    all,
    beside,
  }: { readonly spec: FixtureSpec; readonly all: readonly Workload[]; readonly beside: Shipping['beside'] },
  options: Options,
  bench: Bench,
): Promise<Section> {
  const fixture = await createFixture(bench.cleanup.directory, spec)
  const rows = await measureShipping({ workloads: all, fixture, beside }, options, bench)
  await fixture.remove()
  return { title, rows: rows.map(figuresOf) }
}

function describe({ bytes, files, lines }: FixtureSpec): string {
  const size = `${bytes / MEBIBYTE} MiB in ${files} file${files === 1 ? '' : 's'}`
  return lines === 'events' ? `${size} of audit events, 2.0 KB on average` : `${size}, lines of ${lines} bytes`
}

async function main(options: Options, cleanup: Cleanup): Promise<number> {
  const print = options.json ? () => undefined : (text: string) => void process.stdout.write(`${text}\n`)
  const bench: Bench = { agent: options.agent, cleanup, sink: await startSink(cleanup) }
  const usual = Object.keys(sections).filter((name) => (options.quick ? name === 'shipping' : name !== 'soak'))
  const chosen = options.only === undefined ? usual : Object.keys(sections).filter((name) => name === options.only)
  if (chosen.length === 0) throw new Error(`no section "${options.only}": ${Object.keys(sections).join(', ')}`)
  print(
    `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model}, ${options.rounds} rounds: median (min–max)\n`,
  )
  const done: Section[] = []
  for (const name of chosen) {
    for (const section of (await sections[name]?.(options, bench)) ?? []) {
      print(`${section.title}\n${section.rows ? renderRows(section.rows) : table(section.lines ?? [])}`)
      done.push(section)
    }
  }
  const violations = options.check ? violationsOf(done.flatMap(({ rows }) => rows ?? [])) : []
  if (options.json) process.stdout.write(`${JSON.stringify({ sections: done, violations }, undefined, 2)}\n`)
  else for (const violation of violations) print(`FAIL  ${violation}`)
  if (options.check && violations.length === 0) print('OK    every ratio is within its bound')
  return violations.length === 0 ? 0 : 1
}

let options: Options
try {
  options = parseOptions(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  process.exit(64)
}
if (options.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const cleanup = await prepareCleanup('tailship-bench-')
try {
  process.exitCode = await main(options, cleanup)
} finally {
  await cleanup.finish()
}
