/**
 * The process that cleans up, however the demo ends: when its IPC channel closes, it kills the processes it was told about,
 * removes the directory, and exits.
 */
import { rmSync } from 'node:fs'
import { systemError } from '../system/system-error.ts'

export type GuardCommand =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'watch'; readonly pid: number }
  | { readonly kind: 'release'; readonly pid: number }

const directories = new Set<string>()
const pids = new Set<number>()

process.on('message', (command: GuardCommand) => {
  if (command.kind === 'directory') directories.add(command.path)
  else if (command.kind === 'watch') pids.add(command.pid)
  else pids.delete(command.pid)
})

process.once('disconnect', () => {
  for (const pid of pids) kill(pid)
  // A dying process may still create a file: hence the retries.
  for (const path of directories) rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (systemError(error).code !== 'ESRCH') throw error
  }
}
