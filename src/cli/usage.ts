import { type ExitCode, exitCode, type Io } from '../io.ts'

/** Reports what is wrong with a command line and where its help is. */
export function usageError(command: string | undefined, problem: string, io: Io): ExitCode {
  const name = command === undefined ? 'agent' : `agent ${command}`
  io.stderr.write(`${name}: ${problem}\nSee: ${name} --help\n`)
  return exitCode.usage
}
