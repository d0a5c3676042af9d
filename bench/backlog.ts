import { rename } from 'node:fs/promises'
import { type RunningAgent, type Setting, settledBytes, startAgent, untilStatus } from './agent-process.ts'
import { type Fixture, logOf } from './fixture.ts'
import type { LimitFigures } from './limit-figures.ts'
import { cpuSecondsOf, memoryOf } from './process-figures.ts'
import { runProgram, type Sink } from './programs.ts'
import type { Limit, Workload } from './workloads.ts'

/** What shipping a backlog cost, per uncompressed log byte. */
export interface Cost {
  readonly megabytesPerSecond: number
  readonly cpuSecondsPerGigabyte: number
  readonly peakRssBytes: number
  /** What receiving it cost the sink, which shares the machine. */
  readonly sinkCpuSecondsPerGigabyte: number
}

/** What the agent itself, or a peer, can tell. */
export type AgentCost = Omit<Cost, 'sinkCpuSecondsPerGigabyte'>

export interface Bench extends Setting {
  readonly sink: Sink
}

/**
 * One run of the whole agent. Throughput counts from its first request until the sink has the last byte, as for the peers;
 * CPU from when the logs appear until everything is settled. Process startup does not count.
 */
export async function shipBacklog(workload: Workload, fixture: Fixture, bench: Bench): Promise<AgentCost> {
  const { sink } = bench
  const agent = await startAgent(workload.job(sink.port), bench)
  await sink.reset()
  const cpuBefore = cpuSecondsOf(agent.pid)
  await moveIn(fixture, agent)
  await untilStatus(agent, (status) => settledBytes(status) >= fixture.bytes)
  const cpuSeconds = cpuSecondsOf(agent.pid) - cpuBefore
  const { peak } = memoryOf(agent.pid)
  const { firstAtMs, lastAtMs } = await sink.figures()
  await agent.stop()
  await moveOut(fixture, agent)
  return {
    megabytesPerSecond: fixture.bytes / 1e3 / (lastAtMs - firstAtMs),
    cpuSecondsPerGigabyte: cpuSeconds / (fixture.bytes / 1e9),
    peakRssBytes: peak,
  }
}

/** Makes all logs appear at once. */
async function moveIn({ directory }: Fixture, { logs }: RunningAgent): Promise<void> {
  await rename(directory, `${logs}.new`)
  await rename(`${logs}.new`, logs)
}

async function moveOut({ directory }: Fixture, { logs }: RunningAgent): Promise<void> {
  await rename(logs, directory)
}

/** What the bare copy or the bare codec reaches on the same file. */
export async function measureLimit(limit: Limit, fixture: Fixture, { sink, cleanup }: Bench): Promise<LimitFigures> {
  const file = logOf(fixture.directory, 0)
  return limit === 'copy'
    ? runProgram<LimitFigures>('copy-limit.ts', [file, String(sink.port)], cleanup)
    : runProgram<LimitFigures>('codec-limit.ts', [file, limit], cleanup)
}
