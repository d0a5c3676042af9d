import { access, constants, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { valueAt } from '../config/explain.ts'
import { type Origin, warningAt } from '../config/origin.ts'
import { type Problem, problemOf } from '../config/problem.ts'
import { socketPathProblem } from '../observe/socket-path.ts'
import { agentSocketPath } from '../run-path.ts'
import { isDenied, type SystemError, systemError } from '../system/system-error.ts'

/** File systems of the kernel in which nobody can make a directory: linux/magic.h. */
const PROC_MAGIC = 0x9fa0
const SYSFS_MAGIC = 0x62656572

/** Problems with the run path as this user finds it. An agent runs without one, but forgets its positions. */
export async function runPathProblems(runPath: string, origin: Origin): Promise<readonly Problem[]> {
  const [why, ofSocket] = [await faultOf(runPath), socketPathProblem(agentSocketPath(runPath))]
  const hint = 'mount a directory there that the user the agent runs as may write to, or set another'
  return [
    ...(why === undefined ? [] : [warning(runPath, origin, `${why}: positions would not be kept`, hint)]),
    ...(ofSocket === undefined
      ? []
      : [warning(runPath, origin, `${ofSocket}: without it \`agent status\` finds no agent`)]),
  ]
}

/** Where the path is written, if it is in a file. */
function warning(runPath: string, origin: Origin, text: string, hint?: string): Problem {
  const isWritten = valueAt(origin.document?.value, [...origin.path, 'run_path']) !== undefined
  if (isWritten) return warningAt(origin, { key: ['run_path'], message: `\`run_path\`: ${text}`, hint })
  return problemOf(runPath, `the run path: ${text}`, { key: 'checkpoint.run_path', scope: 'warning', hint })
}

async function faultOf(runPath: string): Promise<string | undefined> {
  const nearest = await nearestThatIs(runPath)
  if (typeof nearest !== 'string') return `${runPath} cannot be examined (${nearest.code})`
  if (!(await stat(nearest)).isDirectory()) return `${nearest} is not a directory`
  const { type } = await statfs(nearest)
  if (type === PROC_MAGIC || type === SYSFS_MAGIC) return `no directory can be made in ${nearest}`
  const refusal = await access(nearest, constants.W_OK | constants.X_OK).then(() => undefined, systemError)
  // One that is not there yet may be made by somebody who may, such as the kubelet.
  if (refusal === undefined || (isDenied(refusal) && nearest !== runPath)) return undefined
  return `${nearest} cannot be written to (${refusal.code})`
}

/** The path, or the nearest above it that exists; an error where that cannot be told. */
async function nearestThatIs(path: string): Promise<string | SystemError> {
  const found = await stat(path).catch(systemError)
  if (!('code' in found)) return path
  const isAbsent = found.code === 'ENOENT' || found.code === 'ENOTDIR'
  return isAbsent && path !== dirname(path) ? nearestThatIs(dirname(path)) : found
}
