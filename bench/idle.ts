import { cp } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Setting, settledBytes, startAgent, untilStatus } from './agent-process.ts'
import { createFixture } from './fixture.ts'
import { memoryOf, threadSecondsOf } from './process-figures.ts'
import type { Sink } from './programs.ts'
import { workloads } from './workloads.ts'

/** What an idle agent costs. */
export interface Idle {
  /** Share of one core. */
  readonly cpuShare: number
  readonly residentBytes: number
  /** Of that, excluding file pages (mostly Node's binary), which other processes may share. */
  readonly anonymousBytes: number
}

/** A file counts as quiet after 10 s without a change; V8 collects the garbage of the start within 3.5 minutes. */
const QUIET_AFTER_MS = 240_000

/** Measures for `seconds`, after `bytes` in total have been shipped and the agent has come to rest. */
export async function measureIdle(
  { files, bytes, seconds }: { readonly files: number; readonly bytes: number; readonly seconds: number },
  { sink, ...setting }: Setting & { readonly sink: Sink },
): Promise<Idle> {
  const agent = await startAgent(workloads.webhookNone.job(sink.port), setting)
  const fixture = await createFixture(setting.cleanup.directory, { bytes, files, lines: 'events' })
  await cp(fixture.directory, agent.logs, { recursive: true })
  await fixture.remove()
  await untilStatus(agent, (status) => settledBytes(status) >= fixture.bytes)
  await sleep(QUIET_AFTER_MS)
  const before = threadSecondsOf(agent.pid)
  await sleep(seconds * 1000)
  const cpuSeconds = threadSecondsOf(agent.pid) - before
  const { resident, anonymous } = memoryOf(agent.pid)
  await agent.stop()
  return { cpuShare: cpuSeconds / seconds, residentBytes: resident, anonymousBytes: anonymous }
}
