import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemError } from '../src/system/system-error.ts'
import { type Setting, startAgent } from './agent-process.ts'
import { memoryOf, threadSecondsOf } from './process-figures.ts'
import { workloads } from './workloads.ts'

/** What one `agent status --check=live` costs, process start included. */
export interface ProbeCost {
  readonly cpuSeconds: number
  readonly peakRssBytes: number
}

export async function measureProbes(count: number, setting: Setting): Promise<readonly ProbeCost[]> {
  const agent = await startAgent(workloads.webhookNone.job(9), setting)
  const costs: ProbeCost[] = []
  while (costs.length < count) costs.push(await probe(setting.agent, agent.runPath))
  await agent.stop()
  return costs
}

/** The process's usage at the last sample; polled, because it cannot be read after exit. */
async function probe(program: string, runPath: string): Promise<ProbeCost> {
  const child = spawn(program, ['status', '--check=live', '--run-path', runPath], { env: {}, stdio: 'ignore' })
  const { pid } = child
  if (pid === undefined) throw new Error(`cannot start ${program}`)
  let last: ProbeCost = { cpuSeconds: 0, peakRssBytes: 0 }
  for (let cost = costOf(pid); cost !== undefined; cost = costOf(pid)) {
    last = cost
    await nextTurn()
  }
  if (child.exitCode === null) await once(child, 'exit')
  if (child.exitCode !== 0) throw new Error(`the probe ended with ${child.exitCode}`)
  return last
}

/** Undefined after the process has exited. */
function costOf(pid: number): ProbeCost | undefined {
  try {
    const { peak } = memoryOf(pid)
    return peak === 0 ? undefined : { cpuSeconds: threadSecondsOf(pid), peakRssBytes: peak }
  } catch (error) {
    systemError(error)
    return undefined
  }
}
