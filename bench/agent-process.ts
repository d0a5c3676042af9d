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
  /** The value of `destination:` as flow-style YAML. */
  readonly destination: string
  /** Further keys of `delivery:`. */
  readonly delivery?: string
  /** Further keys of the source. */
  readonly source?: string
}

/** The agent as it runs in production, tailing logs in its own directory. */
export interface RunningAgent {
  readonly pid: number
  /** Every `<logs>/<name>/audit.log` is tailed as soon as it appears. */
  readonly logs: string
  readonly runPath: string
  /** Undefined while the agent does not answer. */
  status(): Promise<Status | undefined>
  stop(): Promise<void>
}

/** This checkout's `bin/agent`; `--against` measures another one's. */
export const ownAgent = fileURLToPath(new URL('../bin/agent', import.meta.url))

export interface Setting {
  /** The executable `agent`. */
  readonly agent: string
  readonly cleanup: Cleanup
}

/** Keeps positions, fsync and accounting on, as in production; turns the throttle off, and no batch waits for lines. */
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

/** Settled bytes of all files together. */
export function settledBytes({ sources }: Status): number {
  const positions = sources.flatMap(({ files }) => files.flatMap((file) => file.positions))
  return positions.reduce((sum, { position }) => sum + position, 0)
}

/** Polls until the status satisfies `wanted`; at most 5 % of the time, so that a long status costs little. */
export async function untilStatus(agent: RunningAgent, wanted: (status: Status) => boolean): Promise<Status> {
  for (;;) {
    const askedAtMs = performance.now()
    const status = await agent.status()
    if (status !== undefined && wanted(status)) return status
    await sleep(Math.max(50, 20 * (performance.now() - askedAtMs)))
  }
}
