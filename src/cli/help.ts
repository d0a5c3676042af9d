import type { OptionSpec } from './arguments.ts'
import type { Command } from './commands.ts'

const exitCodes = `Exit codes:
  0   done, or healthy
  1   not healthy; stopped at once by a second signal
  64  wrong usage
  69  the agent, or a destination, is not reachable
  70  a bug in this program
  74  input or output failed
  75  another agent works on the run path, or another replay
  77  permission denied
  78  wrong configuration
`

/** `agent --help`. */
export function programHelp(commands: readonly Command[]): string {
  const summaries = columns(commands.map(({ name, summary }) => [name, summary]))
  return `Usage: agent COMMAND [OPTIONS]

Tails Kubernetes audit logs, or any log of lines, and ships every line.

Commands:
${summaries}
  help COMMAND, or COMMAND --help, shows a command's options.

${exitCodes}`
}

/** `agent COMMAND --help`. */
export function commandHelp(command: Command): string {
  const { name, operands, options, notes } = command
  const usage = ['Usage: agent', name, '[OPTIONS]', ...(operands === undefined ? [] : [operands.placeholder])].join(' ')
  const help: OptionSpec = { name: 'help', short: 'h', help: 'show this' }
  const rows = [...options, help].map((option) => [optionHead(option), option.help] as const)
  const summary = command.summary.charAt(0).toUpperCase() + command.summary.slice(1)
  return `${usage}\n\n${summary}.\n\nOptions:\n${columns(rows)}${notes === undefined ? '' : `\n${notes}\n`}`
}

function optionHead({ name, short, value }: OptionSpec): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`
  return short === undefined ? `    ${long}` : `-${short}, ${long}`
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([head]) => head.length))
  return rows.map(([head, text]) => `  ${head.padEnd(width)}  ${text}\n`).join('')
}
