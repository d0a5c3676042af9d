import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { onTestFailed } from 'vitest'
import type { RegistryState } from '../../src/checkpoint/registry.ts'
import type { Status } from '../../src/observe/status.ts'
import { until } from './until.ts'

const builtMain = new URL('../../dist/main.js', import.meta.url).pathname

export interface AgentProcess {
  readonly child: ChildProcess
  /** The agent's log so far. */
  log(): string
  status(): Promise<Status>
  /** kill -9. */
  kill(): Promise<void>
  /** Sends SIGTERM; resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Disposing it kills the agents that are still running. */
export interface Bench extends Disposable {
  readonly dir: string
  readonly auditLog: string
  readonly runPath: string
  /** Its configuration. */
  readonly file: string
  start(): AgentProcess
  /** The positions on disk, by generation. */
  registry(): RegistryState
}

export interface BenchOptions {
  /** Further keys of the source in flow-style YAML: `service: x, tags: [a:b]`. */
  readonly source?: string
  readonly env?: Readonly<Record<string, string>>
  /** Path tailed instead of `auditLog`. */
  readonly path?: string
  /** Run path instead of the one below `dir`. */
  readonly runPath?: string
  /** The agent's `ulimit -n`. */
  readonly openFiles?: number
  /** Main program instead of this checkout's `dist/main.js`. */
  readonly main?: string
  /** Executable that starts the agent, instead of Node with `main`. */
  readonly program?: string
}

/** The built agent, tailing `<dir>/log/audit.log`. `conf`: YAML for `destination` and anything else. */
export function agentBench(dir: string, conf: string, options: BenchOptions = {}): Bench {
  const { source, env = {}, path, openFiles, main = builtMain, program, runPath = join(dir, 'run') } = options
  const auditLog = join(dir, 'log', 'audit.log')
  const file = join(dir, 'conf.yaml')
  const started: AgentProcess[] = []
  const command = program === undefined ? [process.execPath, main] : [program]
  const members = ['source: kubernetes.audit', ...(source === undefined ? [] : [source])].join(', ')
  writeFileSync(
    file,
    `logs:\n  - {type: file, path: "${path ?? auditLog}", ${members}}\ncheckpoint: {run_path: ${runPath}}\nserver: {listen: ""}\n${conf}\n`,
  )
  return {
    dir,
    auditLog,
    runPath,
    file,
    start() {
      const agent = startAgent(file, { runPath, env, openFiles, command })
      started.push(agent)
      onTestFailed(() => {
        const { exitCode, signalCode } = agent.child
        console.log(
          `agent ${started.indexOf(agent) + 1}, ended by ${exitCode ?? signalCode}:\n${agent.log().slice(-20_000)}`,
        )
      })
      return agent
    },
    [Symbol.dispose]() {
      for (const { child } of started) child.kill('SIGKILL')
    },
    registry: () => JSON.parse(readFileSync(join(runPath, 'registry.json'), 'utf8')).state,
  }
}

interface Start extends Pick<Bench, 'runPath'> {
  readonly env: NodeJS.ProcessEnv
  readonly openFiles: number | undefined
  readonly command: readonly string[]
}

function startAgent(file: string, { runPath, env, openFiles, command }: Start): AgentProcess {
  const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles}; `
  const child = spawn('/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', ...command, 'run', '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...env },
  })
  let log = ''
  child.stderr.on('data', (text) => {
    log += text
  })
  // `close` rather than `exit`: by then the whole log has been read.
  const ended = once(child, 'close')
  return {
    child,
    log: () => log,
    status: () => askStatus(join(runPath, 'agent.sock')),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await ended
      return child.exitCode
    },
  }
}

/** Polls until the agent answers and has started. */
async function askStatus(socketPath: string): Promise<Status> {
  let status: Status | undefined
  await until(async () => {
    status = await new Promise((resolve) => {
      const asked = request({ socketPath, path: '/status' }, (answer) => {
        let text = ''
        answer.on('data', (piece) => {
          text += piece
        })
        answer.on('end', () => resolve(JSON.parse(text)))
      })
      asked.on('error', () => resolve(undefined))
      asked.end()
    })
    return status !== undefined && status.state !== 'starting'
  })
  if (!status) throw new Error('no status')
  return status
}
