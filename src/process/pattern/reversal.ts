import { empty, type Instruction, op, type Program } from './program.ts'

const FAIL: Instruction = { op: op.fail, out: 0, arg: 0, runes: [], matchRune: () => false }

/** A program for the same texts read backward. Its alternatives are unordered, so it can only find the longest match. */
export function reversed({ inst, start }: Program): Program {
  const reversal: Instruction[] = [FAIL]
  const add = (instruction: Partial<Instruction>): number => reversal.push({ ...FAIL, ...instruction }) - 1
  /** Per instruction, the start of a chain of alternatives: where a thread continues after reading all that follows it. */
  const heads = inst.map(() => add({ op: op.alt }))
  const tails = [...heads]

  function addWay(from: number, way: number): void {
    const tail = tails[from] as number
    const next = add({ op: op.alt })
    reversal[tail] = { ...FAIL, op: op.alt, out: way, arg: next }
    tails[from] = next
  }

  addWay(start, add({ op: op.match }))
  let end = 0
  for (const [pc, instruction] of inst.entries()) {
    const { op: code, out, arg } = instruction
    const head = heads[pc] as number
    if (code === op.match) end = head
    else if (code === op.capture || code === op.nop) addWay(out, head)
    else if (code === op.emptyWidth) addWay(out, add({ op: code, out: head, arg: swapped(arg) }))
    else if (code === op.alt || code === op.altMatch) {
      addWay(out, head)
      addWay(arg, head)
    } else if (code !== op.fail) {
      addWay(out, add({ ...instruction, out: head, matchRune: (rune) => instruction.matchRune(rune) }))
    }
  }
  return { inst: reversal, start: end }
}

function swapped(conditions: number): number {
  const words = conditions & (empty.wordBoundary | empty.noWordBoundary)
  return words | ((conditions & empty.begin) !== 0 ? empty.end : 0) | ((conditions & empty.end) !== 0 ? empty.begin : 0)
}
