import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exitOf } from '../src/demo/child.ts'
import type { Cleanup } from '../src/demo/cleanup.ts'
import { askStatus } from '../src/observe/ask-status.ts'
import type { Status } from '../src/observe/status.ts'
import { agentSocketPath } from '../src/run-path.ts'

export interface Job {
  /** YAML below `destination:`, in flow style. */
  readonly destination: string
  /** More of `delivery:`. */
  readonly delivery?: string
  /** More of the source. */
  readonly source?: string
}

/** The agent as it is run in production, on the logs that will be in a directory of its own. */
export interface RunningAgent {
  readonly pid: number
  /** Logs below `<logs>/<name>/audit.log` are tailed, from when they appear. */
  readonly logs: string
  readonly runPath: string
  /** Undefined while it does not answer. */
  status(): Promise<Status | undefined>
  stop(): Promise<void>
}

/** Of this checkout; another one's can be measured as well. */
export const ownAgent = fileURLToPath(new URL('../bin/agent', import.meta.url))

export interface Setting {
  /** The executable `agent`. */
  readonly agent: string
  readonly cleanup: Cleanup
}

/** Positions, fsync and accounting are on, as always; the throttle is off, and no batch waits for lines. */
export async function startAgent(job: Job, { agent: program, cleanup }: Setting): Promise<RunningAgent> {
  const home = await mkdtemp(join(cleanup.directory, 'agent-'))
  const [runPath, logs, confPath] = [join(home, 'run'), join(home, 'logs'), join(home, 'conf.yaml')]
  await mkdir(logs)
  await writeFile(
    confPath,
    `logs:
  - {type: file, path: ${JSON.stringify(join(logs, '*', 'audit.log'))}, service: audit, source: kubernetes.audit${job.source ?? ''}}
destination: {${job.destination}}
delivery: {throttle_enable: false, ${job.delivery ?? 'batch_max_wait: 0s'}}
checkpoint: {run_path: ${JSON.stringify(runPath)}}
server: {listen: false}
hostname: node-1
log_level: error
`,
  )
  const child = spawn(program, ['run', '--config', confPath], {
    detached: true,
    env: {},
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  cleanup.watch(child)
  const { pid } = child
  if (pid === undefined) throw new Error(`cannot start ${program}`)
  const gone = exitOf(child)
  const agent: RunningAgent = {
    pid,
    logs,
    runPath,
    async status() {
      if (child.exitCode !== null) throw new Error(`the agent ended with ${child.exitCode}`)
      const reply = await askStatus(agentSocketPath(runPath))
      return reply.kind === 'status' ? reply.status : undefined
    },
    async stop() {
      child.kill('SIGTERM')
      await gone
    },
  }
  await untilStatus(agent, ({ state }) => state === 'running')
  return agent
}

/** Of all files together. */
export function settledBytes({ sources }: Status): number {
  const positions = sources.flatMap(({ files }) => files.flatMap((file) => file.positions))
  return positions.reduce((sum, { position }) => sum + position, 0)
}

/** Asks until `wanted` is true of the answer; seldom enough that asking costs little where a status is long. */
export async function untilStatus(agent: RunningAgent, wanted: (status: Status) => boolean): Promise<Status> {
  for (;;) {
    const askedAtMs = performance.now()
    const status = await agent.status()
    if (status !== undefined && wanted(status)) return status
    await sleep(Math.max(50, 20 * (performance.now() - askedAtMs)))
  }
}
