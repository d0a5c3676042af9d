import { type Instruction, instructionAt, narrowSet, op, type Program } from './program.ts'

/** For each consecutive position, the characters that may occur there. */
export type Sequence = readonly (readonly number[])[]

/** What every match contains. */
export interface Required {
  /** Every match contains at least one of these. */
  readonly sequences: readonly Sequence[]
  /** Whether every match begins with one. */
  readonly isPrefix: boolean
  /** Whether it is the entire match. */
  readonly isWhole: boolean
}

/** Larger programs are not analysed, because the cost is quadratic in their size. */
const MAX_INSTRUCTIONS = 2000
/** A text of at least this length is always preferred: nothing else is found faster. */
const GOOD_TEXT_BYTES = 3
const MAX_SEQUENCES = 24
const MAX_SEQUENCE = 12
const MAX_STEPS = 1000

/** Returns the most selective of what provably occurs in every match of the program; undefined if nothing does. */
export function requiredBy(program: Program): Required | undefined {
  if (program.inst.length > MAX_INSTRUCTIONS) return undefined
  const texts = chains(program, true)
  const text = longest(texts)
  if (text !== undefined && lengthOf(text) >= GOOD_TEXT_BYTES) return text
  return longest([...(text ? [text] : []), ...chains(program, false), ...beginnings(program)])
}

function longest(list: readonly Required[]): Required | undefined {
  return list.reduce<Required | undefined>(
    (best, one) => (lengthOf(one) > (best ? lengthOf(best) : 0) ? one : best),
    undefined,
  )
}

/** Length of the shortest sequence, which produces the most hits. */
function lengthOf({ sequences }: Required): number {
  return Math.min(...sequences.map((sequence) => sequence.length))
}

/** What sequences of instructions on the path of every match accept. `exact`: only those that accept one character each. */
function chains(program: Program, exact: boolean): readonly Required[] {
  const first = passEmpty(program, program.start)
  const found: Required[] = []
  for (const pc of program.inst.keys()) {
    const chain = chainFrom(program, pc, exact)
    if (chain.sequence.length === 0 || !isOnEveryPath(program, pc)) continue
    const isPrefix = pc === first.pc
    const isWhole = isPrefix && first.isBare && chain.isBare && instructionAt(program, chain.end).op === op.match
    found.push({ sequences: [chain.sequence], isPrefix, isWhole })
  }
  return found
}

/** The characters required in sequence from `pc` on, and the instruction after them. */
function chainFrom(
  program: Program,
  pc: number,
  exact: boolean,
): { readonly sequence: Sequence; readonly end: number; readonly isBare: boolean } {
  const sequence: (readonly number[])[] = []
  let end = pc
  let isBare = true
  for (;;) {
    const instruction = instructionAt(program, end)
    const set = narrowSet(instruction)
    if (set === undefined || (exact && set.length > 1)) return { sequence, end, isBare }
    sequence.push(set)
    const next = passEmpty(program, instruction.out)
    isBare &&= next.isBare
    end = next.pc
  }
}

/** The possible beginnings of matches; nothing if there are many, or one that is not narrow. */
function beginnings(program: Program): readonly Required[] {
  const sequences: Sequence[] = []
  const open: { readonly pc: number; readonly sequence: Sequence }[] = [{ pc: program.start, sequence: [] }]
  for (let steps = 0; open.length > 0; steps += 1) {
    const { pc, sequence } = open.pop() ?? { pc: 0, sequence: [] }
    const instruction = instructionAt(program, pc)
    const set = narrowSet(instruction)
    if (set !== undefined && sequence.length < MAX_SEQUENCE) {
      open.push({ pc: instruction.out, sequence: [...sequence, set] })
    } else if (isEmpty(instruction)) {
      open.push(...successors(instruction).map((next) => ({ pc: next, sequence })))
    } else if (instruction.op !== op.fail) {
      sequences.push(sequence)
    }
    // Steps are bounded, because instructions that match nothing may form a loop.
    if (sequence.length === 0 && sequences.includes(sequence)) return []
    if (steps > MAX_STEPS || open.length + sequences.length > MAX_SEQUENCES) return []
  }
  return sequences.length === 0 ? [] : [{ sequences, isPrefix: true, isWhole: false }]
}

/** Skips instructions that consume nothing. `isBare`: none of them set a condition. */
function passEmpty(program: Program, from: number): { pc: number; isBare: boolean } {
  let pc = from
  let isBare = true
  for (;;) {
    const { op: code, out } = instructionAt(program, pc)
    if (code === op.emptyWidth) isBare = false
    else if (code !== op.capture && code !== op.nop) return { pc, isBare }
    pc = out
  }
}

/** Whether every match passes the instruction. */
function isOnEveryPath(program: Program, without: number): boolean {
  const seen = new Set([without])
  const open = [program.start]
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    if (seen.has(pc)) continue
    seen.add(pc)
    const instruction = instructionAt(program, pc)
    if (instruction.op === op.match) return false
    open.push(...successors(instruction))
  }
  return true
}

function isEmpty({ op: code }: Instruction): boolean {
  return code === op.alt || code === op.altMatch || code === op.capture || code === op.nop || code === op.emptyWidth
}

function successors({ op: code, out, arg }: Instruction): readonly number[] {
  if (code === op.fail) return []
  return code === op.alt || code === op.altMatch ? [out, arg] : [out]
}
