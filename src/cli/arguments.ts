/** An option, for the help and for checking the command line. */
export interface OptionSpec {
  readonly name: string
  readonly short?: string
  /** The placeholder for the value in help; an option without one is a flag. */
  readonly value?: string
  readonly choices?: readonly string[]
  readonly help: string
}

/** What a command accepts. */
export interface ArgumentSpec {
  readonly options: readonly OptionSpec[]
  /** The placeholder for the operands in help; without it there are none. */
  readonly operands?: { readonly placeholder: string; readonly max: number }
}

/** A checked command line: if an option is repeated, the last one wins. */
export interface Arguments {
  readonly operands: readonly string[]
  flag(name: string): boolean
  value(name: string): string | undefined
}

export type ParsedArguments =
  | { readonly kind: 'arguments'; readonly arguments: Arguments }
  | { readonly kind: 'usage'; readonly problem: string }
  | { readonly kind: 'unknown-option'; readonly option: string }

/**
 * Parses `--name value`, `--name=value`, `-n value`, `-nvalue`, flags, also joined (`-wo json`), operands anywhere, and `--`
 * before operands that begin with a dash. Hand-written, because importing `node:util` for its parser would cost a probe 6 ms
 * and 5 MB (Node 26).
 */
export function parseArguments(argv: readonly string[], spec: ArgumentSpec): ParsedArguments {
  const operands: string[] = []
  const values = new Map<string, string>()
  const words = [...argv]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') {
      operands.push(...words.splice(0))
    } else if (!word.startsWith('-') || word === '-') {
      operands.push(word)
    } else {
      const { head, inline, joined } = splitOption(word, spec.options)
      if (joined !== undefined) words.unshift(joined)
      const option = spec.options.find((one) => isCalled(one, head))
      if (option === undefined) return { kind: 'unknown-option', option: head }
      const value = inline ?? (option.value === undefined || isOption(words[0], spec) ? undefined : words.shift())
      const problem = valueProblem(option, value)
      if (problem !== undefined) return { kind: 'usage', problem }
      values.set(option.name, value ?? '')
    }
  }
  const surplus = operands[spec.operands?.max ?? 0]
  if (surplus !== undefined) return { kind: 'usage', problem: `unexpected argument "${surplus}"` }
  return {
    kind: 'arguments',
    arguments: { operands, flag: (name) => values.has(name), value: (name) => values.get(name) },
  }
}

/** Whether a word of the command line is the option's name. */
export const isCalled = ({ name, short }: OptionSpec, head: string | undefined) =>
  head === `--${name}` || head === `-${short}`

/** Whether the word is an option of the command, and therefore not the value of the option before it. */
function isOption(word: string | undefined, { options }: ArgumentSpec): boolean {
  return word !== undefined && options.some((option) => isCalled(option, word.split('=')[0]))
}

interface OptionWord {
  readonly head: string
  readonly inline: string | undefined
  /** The rest of a word after a short flag, as a word of its own: `-o` of `-wo`. */
  readonly joined: string | undefined
}

function splitOption(word: string, options: readonly OptionSpec[]): OptionWord {
  const [, head = word, sign, tail = ''] = /^(--[^=]+|-[^-])(=?)(.*)$/s.exec(word) ?? []
  const inline = sign === '=' || tail !== '' ? tail : undefined
  const isFlag = options.some((one) => isCalled(one, head) && one.value === undefined)
  if (isFlag && sign === '' && tail !== '') return { head, inline: undefined, joined: `-${tail}` }
  return { head, inline, joined: undefined }
}

function valueProblem(
  { name, value: placeholder, choices }: OptionSpec,
  value: string | undefined,
): string | undefined {
  if (placeholder === undefined) return value === undefined ? undefined : `--${name} takes no value`
  if (value === undefined || value === '') return `--${name} needs a value: ${choices ? oneOf(choices) : placeholder}`
  if (choices !== undefined && !choices.includes(value)) return `--${name} cannot be "${value}": use ${oneOf(choices)}`
  return undefined
}

/** Lists choices for a message: `text or json`. */
export function oneOf(choices: readonly string[]): string {
  return `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`
}
