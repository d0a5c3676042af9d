import { type Instruction, instructionAt, narrowSet, op, type Program } from './program.ts'

/** For every place in a row the characters one of which stands there. */
export type Sequence = readonly (readonly number[])[]

/** What every match holds. */
export interface Required {
  /** One of these. */
  readonly sequences: readonly Sequence[]
  /** Every match begins with it. */
  readonly isPrefix: boolean
  /** And is nothing else. */
  readonly isWhole: boolean
}

/** A larger program is not looked through: it takes the square of its size. */
const MOST_INSTRUCTIONS = 2000
/** Text of this length is looked for whatever else is required: nothing is found faster. */
const GOOD_TEXT_BYTES = 3
const MOST_SEQUENCES = 24
const LONGEST_SEQUENCE = 12
const MOST_STEPS = 1000

/** The most telling of what is proven to be in every match of the program; undefined where that is nothing. */
export function requiredBy(program: Program): Required | undefined {
  if (program.inst.length > MOST_INSTRUCTIONS) return undefined
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

/** Of the shortest sequence: what is found most often. */
function lengthOf({ sequences }: Required): number {
  return Math.min(...sequences.map((sequence) => sequence.length))
}

/** Sequences of instructions that every match goes through. `exact`: of one character each. */
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

/** The characters that must follow one another from `pc` on, and what comes then. */
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

/** The ways in which matches begin, if they are few and all of them narrow. */
function beginnings(program: Program): readonly Required[] {
  const sequences: Sequence[] = []
  const open: { readonly pc: number; readonly sequence: Sequence }[] = [{ pc: program.start, sequence: [] }]
  for (let steps = 0; open.length > 0; steps += 1) {
    const { pc, sequence } = open.pop() ?? { pc: 0, sequence: [] }
    const instruction = instructionAt(program, pc)
    const set = narrowSet(instruction)
    if (set !== undefined && sequence.length < LONGEST_SEQUENCE) {
      open.push({ pc: instruction.out, sequence: [...sequence, set] })
    } else if (isEmpty(instruction)) {
      open.push(...successors(instruction).map((next) => ({ pc: next, sequence })))
    } else if (instruction.op !== op.fail) {
      sequences.push(sequence)
    }
    // Steps, because what matches nothing may go round in a circle.
    if (sequence.length === 0 && sequences.includes(sequence)) return []
    if (steps > MOST_STEPS || open.length + sequences.length > MOST_SEQUENCES) return []
  }
  return sequences.length === 0 ? [] : [{ sequences, isPrefix: true, isWhole: false }]
}

/** Behind what matches nothing; `isBare`: and asks for nothing. */
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

/** Whether no match can do without the instruction. */
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
