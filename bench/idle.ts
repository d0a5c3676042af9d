import { cp } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Setting, settledBytes, startAgent, untilStatus } from './agent-process.ts'
import { createFixture } from './fixture.ts'
import { memoryOf, threadSecondsOf } from './process-figures.ts'
import type { Sink } from './programs.ts'
import { workloads } from './workloads.ts'

/** What an agent costs that has nothing to do. */
export interface Idle {
  /** Share of one core. */
  readonly cpuShare: number
  readonly residentBytes: number
  /** Of that, without the pages of files (Node's binary, above all), which other processes may share. */
  readonly anonymousBytes: number
}

/** Files count as quiet when they have not changed for 10 s; V8 collects what the start left within three minutes and a half. */
const QUIET_AFTER_MS = 240_000

/** What there is to ship, `bytes` in all, is shipped before. */
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
