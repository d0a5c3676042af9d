import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The file of a program of this package, compiled or not, by its path relative to this folder. */
export function programPath(name: string): string {
  return fileURLToPath(new URL(`${name}${extname(import.meta.url)}`, import.meta.url))
}

/** In its own process group, so that a Ctrl-C in the terminal reaches only the demo, which then ends its children. */
export function forkProgram(name: string, stderr: 'inherit' | 'pipe'): ChildProcess {
  return fork(programPath(name), [], {
    detached: true,
    execArgv: [],
    env: {},
    stdio: ['ignore', 'ignore', stderr, 'ipc'],
  })
}

/**
 * Resolves when the process is gone and its output has been read, or when it could not be started at all. Not for a child
 * whose IPC channel is closed from this side: Node then never emits `close`.
 */
export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
}

export function describeExit({ code, signal }: Exit): string {
  if (signal) return `ended by ${signal}`
  return code === null ? 'not started' : `exit code ${code}`
}
