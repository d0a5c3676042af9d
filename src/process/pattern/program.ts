import type { RE2JS } from 're2js'

/** An instruction of a compiled RE2 program, as Go's regexp/syntax describes it. */
export interface Instruction {
  readonly op: number
  readonly out: number
  /** The other way of an alternative; the conditions of an empty match; flags of a character. */
  readonly arg: number
  /** One character, or pairs of first and last ones. */
  readonly runes: ArrayLike<number>
  matchRune(rune: number): boolean
}

export interface Program {
  readonly start: number
  readonly inst: readonly Instruction[]
}

export const op = {
  alt: 1,
  altMatch: 2,
  capture: 3,
  emptyWidth: 4,
  fail: 5,
  match: 6,
  nop: 7,
  rune: 8,
  rune1: 9,
  any: 10,
  anyNotNewline: 11,
} as const

/** Conditions of an empty match. Lines hold no newline, so that the bounds of a line are those of the text. */
export const empty = { begin: 1 | 4, end: 2 | 8, wordBoundary: 16, noWordBoundary: 32 } as const

const FOLD_CASE = 1

export function programOf(regex: RE2JS): Program {
  return regex.re2().prog as Program
}

export function instructionAt({ inst }: Program, pc: number): Instruction {
  const instruction = inst[pc]
  if (instruction === undefined) throw new RangeError(`no instruction ${pc}`)
  return instruction
}

/** The one ASCII character an instruction takes, if it is that and none of a line's end. */
export function onlyCharacter({ op: code, runes, arg }: Instruction): number | undefined {
  const [rune] = Array.from(runes)
  const isOne = (code === op.rune1 || code === op.rune) && runes.length === 1 && (arg & FOLD_CASE) === 0
  return isOne && rune !== undefined && rune < 128 && rune !== 10 && rune !== 13 ? rune : undefined
}

/** Whether the instruction takes every character from `first` to `last` or none; `mixed`: some, or not to be told. */
export function takes(instruction: Instruction, first: number, last: number): boolean | 'mixed' {
  switch (instruction.op) {
    case op.any:
      return true
    case op.anyNotNewline:
      return first !== 10
    case op.rune:
    case op.rune1:
      return first === last ? instruction.matchRune(first) : takesRange(instruction, first, last)
    default:
      return false
  }
}

/** The characters beyond ASCII that are some ASCII letter in another case. */
const FOLDED_TO_ASCII = [0x17f, 0x212a]

function takesRange({ runes, arg }: Instruction, first: number, last: number): boolean | 'mixed' {
  const list = Array.from(runes)
  const [only = 0] = list
  if (list.length === 1) {
    const isFolded = (arg & FOLD_CASE) !== 0
    const others = only >= 128 ? [first] : FOLDED_TO_ASCII
    const touches = (rune: number) => rune >= first && rune <= last
    return touches(only) || (isFolded && others.some(touches)) ? 'mixed' : false
  }
  for (let pair = 0; pair < list.length; pair += 2) {
    const [low = 0, high = 0] = list.slice(pair, pair + 2)
    if (low <= first && high >= last) return true
    if (low <= last && high >= first) return 'mixed'
  }
  return false
}
