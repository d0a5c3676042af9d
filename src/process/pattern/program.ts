import type { RE2JS } from 're2js'

/** An instruction of a compiled RE2 program, as Go's regexp/syntax describes it. */
export interface Instruction {
  readonly op: number
  readonly out: number
  /** The second branch of an alternation, the conditions of an empty match, or the flags of a character. */
  readonly arg: number
  /** One character, or pairs of first and last characters. */
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

/** Conditions of an empty match. Lines contain no newline, so line boundaries are text boundaries. */
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

/** Maximum size of a narrow set: the two cases of a letter, and what else folds to it. */
const MAX_NARROW = 4
/** The non-ASCII characters that fold to an ASCII letter. */
const FOLDED_TO_ASCII = [0x17f, 0x212a]
const ASCII = Array.from({ length: 128 }, (_, character) => character)

/** The characters an instruction accepts; undefined if they are many or include a line terminator. */
export function narrowSet(instruction: Instruction): readonly number[] | undefined {
  const { op: code, arg } = instruction
  if (code !== op.rune && code !== op.rune1) return undefined
  const runes = Array.from(instruction.runes)
  const [only = 0] = runes
  let set: readonly number[]
  if (runes.length > 1) set = pairsOf(runes).flatMap(([low, high]) => listed(low, high))
  else if ((arg & FOLD_CASE) === 0) set = runes
  else if (only < 128) set = [...ASCII, ...FOLDED_TO_ASCII].filter((character) => instruction.matchRune(character))
  else return undefined
  const isNarrow = set.length > 0 && set.length <= MAX_NARROW
  return isNarrow && !set.includes(10) && !set.includes(13) ? set : undefined
}

function pairsOf(runes: readonly number[]): readonly (readonly [low: number, high: number])[] {
  return runes.flatMap((low, index) => (index % 2 === 0 ? [[low, runes[index + 1] ?? low] as const] : []))
}

/** All from `low` to `high`, or enough of them to exceed a narrow set. */
function listed(low: number, high: number): readonly number[] {
  return Array.from({ length: Math.min(high - low, MAX_NARROW) + 1 }, (_, index) => low + index)
}

/** Whether the instruction accepts all characters from `first` to `last` or none of them; `mixed`: some, or undetermined. */
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

function takesRange({ runes, arg }: Instruction, first: number, last: number): boolean | 'mixed' {
  const list = Array.from(runes)
  const [only = 0] = list
  if (list.length === 1) {
    const isFolded = (arg & FOLD_CASE) !== 0
    const others = only >= 128 ? [first] : FOLDED_TO_ASCII
    const touches = (rune: number) => rune >= first && rune <= last
    return touches(only) || (isFolded && others.some(touches)) ? 'mixed' : false
  }
  for (const [low, high] of pairsOf(list)) {
    if (low <= first && high >= last) return true
    if (low <= last && high >= first) return 'mixed'
  }
  return false
}
