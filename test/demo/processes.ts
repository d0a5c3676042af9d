import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Tells of every child process that this process starts from now on. */
export function watchChildren(onSpawn: (child: ChildProcess) => void): void {
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: ChildProcess }
    child.once('spawn', () => onSpawn(child))
  })
}
