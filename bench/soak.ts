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

/** What a load takes, once a minute. */
export interface Minute {
  readonly minute: number
  readonly bytesPerSecond: number
  readonly cpuShare: number
  readonly residentBytes: number
  /** The most that was resident within this minute. */
  readonly peakBytes: number
}

/** `steady`: 10 MB/s. `full`: as much as the agent ships, so that it never comes to rest. */
export type Load = 'steady' | 'full'

interface Pace {
  readonly rotateAtBytes: number
  readonly bytesPerWrite: number
  /** Comes back when the next write is due. */
  next(): Promise<void>
}

const MEBIBYTE = 1024 * 1024
/** Rotated files that are kept, as kube-apiserver's `--audit-log-maxbackup`. */
const KEPT = 4

/** A log that is written without an end and rotated as kube-apiserver does it. */
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
    // Always something left to ship, and less than the rotated files hold, the oldest of which is removed.
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

/** Appends to a log, which is moved away before it is larger than `rotateAtBytes`. */
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

/** `audit.log` to `audit-2026-11-20T14-33-45.420.log`. */
async function rotate(log: string): Promise<string> {
  const stamp = new Date().toISOString().replaceAll(':', '-').replace('Z', '')
  const backup = log.replace(/\.log$/, `-${stamp}.log`)
  await rename(log, backup)
  return backup
}
