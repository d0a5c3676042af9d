import { type ChildProcess, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import type { Environment } from '../io.ts'
import { type AgentLogLine, readLog } from './agent-log.ts'
import { type Exit, exitOf } from './child.ts'

/** The real agent as a child process, restarted as needed. */
export interface Agent {
  readonly running: boolean
  start(): void
  /**
   * Sends SIGKILL, as the kernel's OOM killer does. Resolves once the process is gone, with the time of its last stored
   * positions on the clock of `performance.now()`; undefined if there are none.
   */
  kill(): Promise<number | undefined>
  /** Sends SIGTERM, and SIGKILL if the agent is still running after `deadlineMs`. */
  stop(deadlineMs: number): Promise<Exit>
}

export interface AgentOptions {
  readonly nodePath: string
  /** The agent's main program. */
  readonly program: string
  readonly configPath: string
  readonly registryPath: string
  /** The agent's entire environment. Must not contain anything that changes its configuration. */
  readonly env: Environment
  readonly onStart: (child: ChildProcess) => void
  readonly onLog: (line: AgentLogLine) => void
  /** The process exited unexpectedly. */
  readonly onFailure: (exit: Exit) => void
}

export function createAgent(options: AgentOptions): Agent {
  let child: ChildProcess | undefined
  let gone: Promise<Exit> = Promise.resolve({ code: null, signal: null })

  const start = () => {
    const started = spawn(options.nodePath, [options.program, 'run', '--config', options.configPath], {
      detached: true,
      env: options.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child = started
    readLog(started.stderr, options.onLog)
    gone = exitOf(started).then((exit) => {
      if (child === started) {
        child = undefined
        options.onFailure(exit)
      }
      return exit
    })
    options.onStart(started)
  }
  const end = (signal: NodeJS.Signals) => {
    const ending = child
    child = undefined
    ending?.kill(signal)
    return { ending, gone }
  }
  return {
    get running() {
      return child !== undefined
    },
    start,
    kill: async () => {
      await end('SIGKILL').gone
      const positions = statSync(options.registryPath, { throwIfNoEntry: false })
      return positions && performance.now() - (Date.now() - positions.mtimeMs)
    },
    stop: async (deadlineMs) => {
      const { ending } = end('SIGTERM')
      const impatience = setTimeout(() => ending?.kill('SIGKILL'), deadlineMs)
      const exit = await gone
      clearTimeout(impatience)
      return exit
    },
  }
}
