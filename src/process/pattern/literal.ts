import { type Instruction, instructionAt, onlyCharacter, op, type Program } from './program.ts'

/** ASCII text that every match holds. */
export interface Literal {
  readonly text: string
  /** Every match begins with it. */
  readonly isPrefix: boolean
  /** And is nothing else. */
  readonly isWhole: boolean
}

/** A larger program is not looked through: it takes the square of its size. */
const MOST_INSTRUCTIONS = 2000

/** The longest text that every match of the program holds; undefined where none is proven. */
export function requiredLiteral(program: Program): Literal | undefined {
  const { inst, start } = program
  if (inst.length > MOST_INSTRUCTIONS) return undefined
  const first = passEmpty(program, start)
  let longest: Literal | undefined
  for (const [pc, instruction] of inst.entries()) {
    if (onlyCharacter(instruction) === undefined || !isOnEveryPath(program, pc)) continue
    const { text, end, isBare } = chainFrom(program, pc)
    const isPrefix = pc === first.pc
    const isWhole = isPrefix && first.isBare && isBare && instructionAt(program, end).op === op.match
    if (text.length > (longest?.text.length ?? 0)) longest = { text, isPrefix, isWhole }
  }
  return longest
}

/** The characters that must follow one another from `pc` on, and what comes then. */
function chainFrom(program: Program, pc: number): { text: string; end: number; isBare: boolean } {
  let text = ''
  let end = pc
  let isBare = true
  for (;;) {
    const instruction = instructionAt(program, end)
    const character = onlyCharacter(instruction)
    if (character === undefined) return { text, end, isBare }
    text += String.fromCharCode(character)
    const next = passEmpty(program, instruction.out)
    isBare &&= next.isBare
    end = next.pc
  }
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

function successors({ op: code, out, arg }: Instruction): readonly number[] {
  if (code === op.fail) return []
  return code === op.alt || code === op.altMatch ? [out, arg] : [out]
}
