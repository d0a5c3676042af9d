import { type ExitCode, exitCode, type Io } from '../io.ts'
import type { Arguments } from './arguments.ts'
import { runPathOf } from './find-run-path.ts'
import { checkNames, reportCheck } from './health.ts'

/** `agent status`. With `--check` it is a probe and loads only what that needs. */
export async function status(args: Arguments, io: Io): Promise<ExitCode> {
  const check = checkNames.find((name) => name === args.value('check'))
  const surplus = check && ['output', 'json', 'pretty-json', 'watch'].find(args.flag)
  if (surplus !== undefined) {
    const { usageError } = await import('./usage.ts')
    return usageError('status', `--check is one line of text: it does not go with --${surplus}`, io)
  }
  const runPath = await runPathOf(args, io)
  if (runPath === undefined) return exitCode.configuration
  if (check !== undefined) return reportCheck(check, runPath, io)
  const { showStatus } = await import('./status-view.ts')
  return showStatus(args, runPath, io)
}
