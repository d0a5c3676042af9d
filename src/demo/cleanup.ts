import type { ChildProcess } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forkProgram } from './child.ts'
import type { GuardCommand } from './guard.ts'

/** Owns what must be removed afterwards: a temporary directory and the child processes. */
export interface Cleanup {
  readonly directory: string
  /** Makes sure that the child does not outlive the demo. */
  watch(child: ChildProcess): void
  /** Ends every child still running and removes the directory. */
  finish(): Promise<void>
}

/** A guard process does the work, so that it happens even if this process is killed. */
export async function prepareCleanup(prefix = 'tailship-demo-'): Promise<Cleanup> {
  const guard = forkProgram('./guard', 'inherit')
  const ended = new Promise<number | null>((resolve) => {
    guard.once('exit', resolve)
    guard.once('error', () => resolve(null))
  })
  const tell = (command: GuardCommand) => {
    if (guard.connected) guard.send(command)
  }
  const directory = await mkdtemp(join(tmpdir(), prefix))
  tell({ kind: 'directory', path: directory })
  return {
    directory,
    watch: (child) => {
      const { pid } = child
      if (pid === undefined) return
      tell({ kind: 'watch', pid })
      // Process ids are reused: forget this one as soon as it is free.
      child.once('exit', () => tell({ kind: 'release', pid }))
    },
    finish: async () => {
      if (guard.connected) guard.disconnect()
      if ((await ended) !== 0) throw new Error(`could not remove ${directory}`)
    },
  }
}
