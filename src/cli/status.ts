import { type ExitCode, exitCode, type Io } from '../io.ts'
import type { Arguments } from './arguments.ts'
import { runPathOf } from './find-run-path.ts'
import { checkNames, reportCheck } from './health.ts'

/** `agent status`. With `--check` it is a probe and loads only what that needs. */
export async function status(args: Arguments, io: Io): Promise<ExitCode> {
  const runPath = await runPathOf(args, io)
  if (runPath === undefined) return exitCode.configuration
  const check = checkNames.find((name) => name === args.value('check'))
  if (check !== undefined) return reportCheck(check, runPath, io)
  const { showStatus } = await import('./status-view.ts')
  return showStatus(args, runPath, io)
}
