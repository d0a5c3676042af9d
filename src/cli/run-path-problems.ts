import { access, constants, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { valueAt } from '../config/explain.ts'
import { type Origin, warningAt } from '../config/origin.ts'
import { type Problem, problemOf } from '../config/problem.ts'
import { socketPathProblem } from '../observe/socket-path.ts'
import { agentSocketPath } from '../run-path.ts'
import { isDenied, type SystemError, systemError } from '../system/system-error.ts'

/** Kernel file systems in which nobody can create a directory (linux/magic.h). */
const PROC_MAGIC = 0x9fa0
const SYSFS_MAGIC = 0x62656572

/** Returns problems with the run path, as this user finds it. An agent runs without one, but does not keep its positions. */
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

/** Warns at the key that sets the run path, or at the path itself if no file sets it. */
function warning(runPath: string, origin: Origin, text: string, hint?: string): Problem {
  const isWritten = valueAt(origin.document?.value, [...origin.path, 'run_path']) !== undefined
  if (isWritten) return warningAt(origin, { key: ['run_path'], message: `\`run_path\`: ${text}`, hint })
  return problemOf(runPath, `the run path: ${text}`, { key: 'checkpoint.run_path', scope: 'warning', hint })
}

async function faultOf(runPath: string): Promise<string | undefined> {
  const nearest = await nearestExisting(runPath)
  if (typeof nearest !== 'string') return `${runPath} cannot be examined (${nearest.code})`
  if (!(await stat(nearest)).isDirectory()) return `${nearest} is not a directory`
  const { type } = await statfs(nearest)
  if (type === PROC_MAGIC || type === SYSFS_MAGIC) return `no directory can be made in ${nearest}`
  const refusal = await access(nearest, constants.W_OK | constants.X_OK).then(() => undefined, systemError)
  // A run path that does not exist yet may be created by somebody with permission, such as the kubelet.
  if (refusal === undefined || (isDenied(refusal) && nearest !== runPath)) return undefined
  return `${nearest} cannot be written to (${refusal.code})`
}

/** Returns the path or its nearest ancestor that exists; an error if that cannot be determined. */
async function nearestExisting(path: string): Promise<string | SystemError> {
  const found = await stat(path).catch(systemError)
  if (!('code' in found)) return path
  const isAbsent = found.code === 'ENOENT' || found.code === 'ENOTDIR'
  return isAbsent && path !== dirname(path) ? nearestExisting(dirname(path)) : found
}
