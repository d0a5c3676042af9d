import { appendFile, mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Setting, settledBytes, startAgent, untilStatus } from './agent-process.ts'
import { auditLines } from './audit-lines.ts'
import { logOf } from './fixture.ts'
import { memoryOf, threadSecondsOf } from './process-figures.ts'
import type { Sink } from './programs.ts'
import { works } from './works.ts'

/** What a steady load takes, once a minute. */
export interface Minute {
  readonly minute: number
  readonly residentBytes: number
  readonly cpuShare: number
}

const BYTES_PER_SECOND = 10_000_000
const ROTATE_AT_BYTES = 50 * 1024 * 1024
/** Rotated files that are kept, as kube-apiserver's `--audit-log-maxbackup`. */
const KEPT = 4

/** A log that is written at a steady rate and rotated as kube-apiserver does it. */
export async function* soak(
  minutes: number,
  { sink, ...setting }: Setting & { readonly sink: Sink },
): AsyncGenerator<Minute> {
  const agent = await startAgent(works.datadogZstd.job(sink.port), setting)
  const log = logOf(agent.logs, 0)
  await mkdir(dirname(log))
  const lines = auditLines(2_000, BYTES_PER_SECOND / 10)
  const backups: string[] = []
  let size = 0
  let cpuSeconds = threadSecondsOf(agent.pid)
  for (let minute = 1; minute <= minutes; minute += 1) {
    const beganAtMs = performance.now()
    for (let tick = 1; tick <= 600; tick += 1) {
      if (size + lines.length > ROTATE_AT_BYTES) {
        backups.push(await rotate(log))
        if (backups.length > KEPT) await rm(backups.shift() ?? '')
        size = 0
      }
      await appendFile(log, lines)
      size += lines.length
      await sleep(Math.max(0, beganAtMs + tick * 100 - performance.now()))
    }
    const now = threadSecondsOf(agent.pid)
    yield { minute, residentBytes: memoryOf(agent.pid).resident, cpuShare: (now - cpuSeconds) / 60 }
    cpuSeconds = now
  }
  await untilStatus(agent, (status) => settledBytes(status) > 0 && status.sources.every(isSettled))
  await agent.stop()
}

function isSettled({ files }: { readonly files: readonly { readonly positions: readonly { lagBytes: number }[] }[] }) {
  return files.every(({ positions }) => positions.every(({ lagBytes }) => lagBytes === 0))
}

/** `audit.log` to `audit-2026-11-20T14-33-45.420.log`. */
async function rotate(log: string): Promise<string> {
  const stamp = new Date().toISOString().replaceAll(':', '-').replace('Z', '')
  const backup = log.replace(/\.log$/, `-${stamp}.log`)
  await rename(log, backup)
  return backup
}
