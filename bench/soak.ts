import { appendFile, mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../src/observe/status.ts'
import { type RunningAgent, type Setting, settledBytes, startAgent, untilStatus } from './agent-process.ts'
import { auditLines } from './audit-lines.ts'
import { logOf } from './fixture.ts'
import { forgetPeakOf, memoryOf, threadSecondsOf } from './process-figures.ts'
import type { Sink } from './programs.ts'
import { workloads } from './workloads.ts'

/** Throughput and cost in one minute of the load. */
export interface Minute {
  readonly minute: number
  readonly bytesPerSecond: number
  readonly cpuShare: number
  readonly residentBytes: number
  /** Peak of resident memory in this minute. */
  readonly peakBytes: number
}

/** `steady`: 10 MB/s. `full`: as fast as the agent ships, so that it is never idle. */
export type Load = 'steady' | 'full'

interface Pace {
  readonly rotateAtBytes: number
  readonly bytesPerWrite: number
  /** Resolves when the next write is due. */
  next(): Promise<void>
}

const MEBIBYTE = 1024 * 1024
/** Number of rotated files kept, like kube-apiserver's `--audit-log-maxbackup`. */
const KEPT = 4

/** Ships a log that is written continuously and rotated as kube-apiserver rotates it. */
export async function* soak(
  { minutes, load }: { readonly minutes: number; readonly load: Load },
  { sink, ...setting }: Setting & { readonly sink: Sink },
): AsyncGenerator<Minute> {
  const agent = await startAgent(workloads.datadogZstd.job(sink.port), setting)
  const pace = load === 'steady' ? steady() : full(agent)
  const lines = auditLines(2_000, pace.bytesPerWrite)
  const append = await rotatedLog(logOf(agent.logs, 0), pace.rotateAtBytes)
  for (let minute = 1; minute <= minutes; minute += 1) {
    forgetPeakOf(agent.pid)
    const [beganAtMs, cpuBefore] = [performance.now(), threadSecondsOf(agent.pid)]
    let written = 0
    while (performance.now() - beganAtMs < 60_000) {
      await append(lines)
      written += lines.length
      await pace.next()
    }
    const seconds = (performance.now() - beganAtMs) / 1000
    const cpuShare = (threadSecondsOf(agent.pid) - cpuBefore) / seconds
    const { resident, peak } = memoryOf(agent.pid)
    yield { minute, bytesPerSecond: written / seconds, cpuShare, residentBytes: resident, peakBytes: peak }
  }
  await untilStatus(agent, (status) => settledBytes(status) > 0 && lagOf(status) === 0)
  await agent.stop()
}

function steady(): Pace {
  let dueAtMs = performance.now()
  return {
    rotateAtBytes: 50 * MEBIBYTE,
    bytesPerWrite: 1_000_000,
    async next() {
      dueAtMs += 100
      await sleep(Math.max(0, dueAtMs - performance.now()))
    },
  }
}

function full(agent: RunningAgent): Pace {
  return {
    rotateAtBytes: 128 * MEBIBYTE,
    bytesPerWrite: 64_000_000,
    // Keeps a backlog, but a smaller one than the rotated files hold: the oldest of them is deleted.
    async next() {
      for (;;) {
        const status = await agent.status()
        if (status !== undefined && lagOf(status) < 256 * MEBIBYTE) return
        await sleep(20)
      }
    },
  }
}

function lagOf({ sources }: Status): number {
  const positions = sources.flatMap(({ files }) => files.flatMap((file) => file.positions))
  return positions.reduce((sum, { lagBytes }) => sum + lagBytes, 0)
}

/** Returns a function that appends to a log and first rotates it if it would exceed `rotateAtBytes`. */
async function rotatedLog(log: string, rotateAtBytes: number): Promise<(lines: Buffer) => Promise<void>> {
  await mkdir(dirname(log))
  const backups: string[] = []
  let size = 0
  return async (lines) => {
    if (size + lines.length > rotateAtBytes) {
      backups.push(await rotate(log))
      if (backups.length > KEPT) await rm(backups.shift() ?? '')
      size = 0
    }
    await appendFile(log, lines)
    size += lines.length
  }
}

/** Renames `audit.log` to `audit-2026-11-20T14-33-45.420.log` and returns the new path. */
async function rotate(log: string): Promise<string> {
  const stamp = new Date().toISOString().replaceAll(':', '-').replace('Z', '')
  const backup = log.replace(/\.log$/, `-${stamp}.log`)
  await rename(log, backup)
  return backup
}
