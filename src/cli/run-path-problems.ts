import { access, constants, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Problem, problemOf } from '../config/problem.ts'
import { isDenied, type SystemError, systemError } from '../system/system-error.ts'

/** File systems of the kernel in which nobody can make a directory: linux/magic.h. */
const PROC_MAGIC = 0x9fa0
const SYSFS_MAGIC = 0x62656572

/** Problems with the run path as this user finds it. An agent runs without one, but forgets its positions. */
export async function runPathProblems(runPath: string): Promise<readonly Problem[]> {
  const why = await faultOf(runPath)
  if (why === undefined) return []
  const message = `\`checkpoint.run_path\`: ${why}: positions would not be kept`
  const hint = 'mount a directory there that the user the agent runs as may write to, or set another'
  return [problemOf(runPath, message, { key: 'checkpoint.run_path', scope: 'warning', hint })]
}

async function faultOf(runPath: string): Promise<string | undefined> {
  const nearest = await nearestThatIs(runPath)
  if (typeof nearest !== 'string') return `it may not be looked at (${nearest.code})`
  const name = nearest === runPath ? 'it' : nearest
  if (!(await stat(nearest)).isDirectory()) return `${name} is not a directory`
  const { type } = await statfs(nearest)
  if (type === PROC_MAGIC || type === SYSFS_MAGIC) return `no directory can be made in ${nearest}`
  const refusal = await access(nearest, constants.W_OK | constants.X_OK).then(() => undefined, systemError)
  // One that is not there yet may be made by somebody who may, such as the kubelet.
  if (refusal === undefined || (isDenied(refusal) && nearest !== runPath)) return undefined
  return `${name} may not be written to (${refusal.code})`
}

/** The path, or the nearest above it that exists; an error where that cannot be told. */
async function nearestThatIs(path: string): Promise<string | SystemError> {
  const found = await stat(path).catch(systemError)
  if (!('code' in found)) return path
  const isAbsent = found.code === 'ENOENT' || found.code === 'ENOTDIR'
  return isAbsent && path !== dirname(path) ? nearestThatIs(dirname(path)) : found
}
