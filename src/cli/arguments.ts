import { parseArgs } from 'node:util'

/** An option as help shows it and the command line is checked against. */
export interface OptionSpec {
  readonly name: string
  readonly short?: string
  /** What stands for the value in help; an option without one is a flag. */
  readonly value?: string
  readonly choices?: readonly string[]
  readonly help: string
}

/** What a command accepts. */
export interface ArgumentSpec {
  readonly options: readonly OptionSpec[]
  /** What stands for the operands in help; without it there are none. */
  readonly operands?: { readonly placeholder: string; readonly max: number }
}

/** A checked command line: of an option given twice the last counts. */
export interface Arguments {
  readonly operands: readonly string[]
  flag(name: string): boolean
  value(name: string): string | undefined
}

export type ParsedArguments =
  | { readonly kind: 'arguments'; readonly arguments: Arguments }
  | { readonly kind: 'usage'; readonly problem: string }
  | { readonly kind: 'unknown-option'; readonly option: string }

/** `--name value`, `--name=value`, `-n value`, `-nvalue`, flags, operands anywhere, `--` before operands that begin with a dash. */
export function parseArguments(argv: readonly string[], spec: ArgumentSpec): ParsedArguments {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      spec.options.map(({ name, short, value }) => [
        name,
        { type: value === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) } as const,
      ]),
    ),
  })
  const operands: string[] = []
  const values = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const option = spec.options.find((candidate) => candidate.name === token.name)
    if (option === undefined) return { kind: 'unknown-option', option: token.rawName }
    const problem = valueProblem(option, token.value)
    if (problem !== undefined) return { kind: 'usage', problem }
    values.set(option.name, token.value ?? '')
  }
  const surplus = operands[spec.operands?.max ?? 0]
  if (surplus !== undefined) return { kind: 'usage', problem: `unexpected argument "${surplus}"` }
  return {
    kind: 'arguments',
    arguments: { operands, flag: (name) => values.has(name), value: (name) => values.get(name) },
  }
}

function valueProblem(
  { name, value: placeholder, choices }: OptionSpec,
  value: string | undefined,
): string | undefined {
  if (placeholder === undefined) return value === undefined ? undefined : `--${name} takes no value`
  if (value === undefined || value === '') return `--${name} needs a value: ${choices?.join(', ') ?? placeholder}`
  if (choices?.includes(value) === false) return `--${name} cannot be "${value}": use ${choices.join(', ')}`
  return undefined
}
