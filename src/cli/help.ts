import type { OptionSpec } from './arguments.ts'
import type { Command } from './commands.ts'

const exitCodes = `Exit codes:
  0   done, or healthy
  1   not healthy; a replay left records behind; stopped by a second signal
  64  wrong usage
  69  the agent, or a destination, cannot be reached
  70  a bug in this program
  74  input or output failed
  75  another agent works on the run path, or another replay
  77  permission denied
  78  wrong configuration
`

/** The usual width of a terminal. */
const WIDTH = 80

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
  const paragraphs =
    notes === undefined ? [] : notes.split('\n\n').map((note) => `\n${wrapped(note, WIDTH).join('\n')}\n`)
  return `${usage}\n\n${summary}.\n\nOptions:\n${columns(rows)}${paragraphs.join('')}`
}

function optionHead({ name, short, value }: OptionSpec): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`
  return short === undefined ? `    ${long}` : `-${short}, ${long}`
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([head]) => head.length))
  const indent = ' '.repeat(width + 4)
  return rows
    .map(([head, text]) => `  ${head.padEnd(width)}  ${wrapped(text, WIDTH - indent.length).join(`\n${indent}`)}\n`)
    .join('')
}

/** Breaks text between words into lines of at most `width` characters. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}
