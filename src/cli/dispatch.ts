import { type ExitCode, exitCode, type Io, type Output } from '../io.ts'
import { isCalled, parseArguments } from './arguments.ts'
import { type Command, commands } from './commands.ts'

/** Runs the command given by `argv` (without the program's name). */
export async function dispatch(argv: readonly string[], io: Io): Promise<ExitCode> {
  const [first, ...rest] = argv
  switch (first) {
    case undefined:
      await showHelp(undefined, io.stderr)
      return exitCode.usage
    case '--help':
    case '-h':
      return showHelp(undefined, io.stdout)
    case 'help': {
      const topic = rest.find((word) => !word.startsWith('-'))
      return topic === undefined ? showHelp(undefined, io.stdout) : runCommand(topic, ['--help'], io)
    }
    case '--version':
    case '-v':
    case '-V':
      return runCommand('version', rest, io)
    default:
      if (first.startsWith('-')) {
        const guess = await didYouMean(first, ['--help', '--version'])
        const isLater = commands.some(({ options }) => options.some((option) => isCalled(option, first.split('=')[0])))
        const problem = isLater ? `option "${first}" must follow the command` : `unknown option "${first}"${guess}`
        return misused(undefined, problem, io)
      }
      return runCommand(first, rest, io)
  }
}

async function runCommand(name: string, argv: readonly string[], io: Io): Promise<ExitCode> {
  const command = commands.find((candidate) => candidate.name === name)
  if (command === undefined) {
    const guess = await didYouMean(
      name,
      commands.map((candidate) => candidate.name),
    )
    return misused(undefined, `unknown command "${name}"${guess}`, io)
  }
  const options = [...command.options, { name: 'help', short: 'h', help: '' }]
  const parsed = parseArguments(argv, { ...command, options })
  switch (parsed.kind) {
    case 'usage':
      return misused(command.name, parsed.problem, io)
    case 'unknown-option': {
      const guess = await didYouMean(
        parsed.option,
        options.map((option) => `--${option.name}`),
      )
      return misused(command.name, `unknown option "${parsed.option}"${guess}`, io)
    }
    case 'arguments':
      return parsed.arguments.flag('help') ? showHelp(command, io.stdout) : command.run(parsed.arguments, io)
  }
}

async function showHelp(command: Command | undefined, output: Output): Promise<ExitCode> {
  const { commandHelp, programHelp } = await import('./help.ts')
  output.write(command === undefined ? programHelp(commands) : commandHelp(command))
  return exitCode.ok
}

async function didYouMean(word: string, candidates: readonly string[]): Promise<string> {
  const { suggestion } = await import('../config/suggestion.ts')
  const guess = suggestion(word, candidates)
  return guess === undefined ? '' : `: did you mean "${guess}"?`
}

async function misused(command: string | undefined, problem: string, io: Io): Promise<ExitCode> {
  const { usageError } = await import('./usage.ts')
  return usageError(command, problem, io)
}
