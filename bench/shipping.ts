import { type AgentCost, type Bench, type Cost, measureLimit, shipBacklog } from './backlog.ts'
import type { Fixture } from './fixture.ts'
import type { LimitFigures } from './limit-figures.ts'
import type { Options } from './options.ts'
import { peers, runPeer } from './peers.ts'
import type { Row } from './table.ts'
import { type Codec, type Limit, limits, type Workload } from './workloads.ts'

/** Something that runs once per round. */
interface Entry {
  readonly name: string
  /** The limit its throughput is compared with. */
  readonly limit?: Limit
  run(): Promise<LimitFigures | AgentCost>
}

export interface Shipping {
  readonly workloads: readonly Workload[]
  readonly fixture: Fixture
  /** What is measured alongside. */
  readonly beside: 'nothing' | 'limits' | 'limits and peers'
}

/** Runs every entry once per round, so that what is compared is measured at nearly the same time. */
export async function measureShipping(
  { workloads, fixture, beside }: Shipping,
  options: Options,
  bench: Bench,
): Promise<readonly Row[]> {
  const used = limits.filter((limit) => beside !== 'nothing' && workloads.some((workload) => workload.limit === limit))
  const agents = [{ agent: bench.agent, suffix: '' }]
  if (options.against !== undefined) agents.push({ agent: options.against, suffix: ' (against)' })
  const entries: Entry[] = [
    ...used.map((limit) => ({ name: `limit: ${limit}`, run: () => measureLimit(limit, fixture, bench) })),
    ...workloads.flatMap((workload) =>
      agents.map(({ agent, suffix }) => ({
        name: workload.name + suffix,
        limit: workload.limit,
        run: () => shipBacklog(workload, fixture, { ...bench, agent }),
      })),
    ),
    ...(beside === 'limits and peers' ? peerEntries(used, { fixture, options, bench }) : []),
  ]
  const rows = entries.map(({ name, limit }) => ({ name, limit, costs: [] as Cost[], shares: [] as number[] }))
  for (let round = 0; round < options.rounds; round += 1) {
    const reached = new Map<Limit, number>()
    for (const [index, entry] of entries.entries()) {
      const sinkBefore = bench.sink.cpuSeconds()
      const cost = await entry.run()
      const sinkCpuSecondsPerGigabyte = (bench.sink.cpuSeconds() - sinkBefore) / (fixture.bytes / 1e9)
      rows[index]?.costs.push({ peakRssBytes: Number.NaN, ...cost, sinkCpuSecondsPerGigabyte })
      const limit = used[index]
      if (limit !== undefined) reached.set(limit, cost.megabytesPerSecond)
      const most = entry.limit && reached.get(entry.limit)
      if (most !== undefined) rows[index]?.shares.push(cost.megabytesPerSecond / most)
    }
  }
  return rows
}

function peerEntries(
  used: readonly Limit[],
  { fixture, options, bench }: { readonly fixture: Fixture; readonly options: Options; readonly bench: Bench },
): readonly Entry[] {
  const codecs: readonly Codec[] = used.map((limit) => (limit === 'copy' ? 'none' : limit))
  return [...options.programs].flatMap(([key, program]) => {
    const peer = peers[key]
    if (peer === undefined) return []
    return codecs
      .filter((codec) => peer.codecs.includes(codec))
      .map((codec) => ({
        name: `${peer.name} ${codec}`,
        limit: codec === 'none' ? ('copy' as const) : codec,
        run: () => runPeer({ peer, program, codec }, fixture, bench),
      }))
  })
}
