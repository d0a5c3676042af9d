import type { Appended, OddLine } from './body.ts'
import { AUDIT_EVENT_START, type Kernel, stop, word } from './kernel.ts'

/** Returns why a call of the kernel stopped, with positions relative to the front of the room. */
export function stoppedBy(code: number, kernel: Kernel, roomStart: number): Appended['stopped'] {
  if (code === stop.partial) return { kind: 'partial' }
  if (code === stop.full) return { kind: 'full' }
  const address = (index: number) => kernel.words[index] ?? 0
  const line = kernel.bytes.subarray(address(word.source), address(word.oddEnd))
  const start = address(word.source) - roomStart
  const next = address(word.oddNext) - roomStart
  return { kind: 'odd', line: { start, end: start + line.length, next, reason: reasonOf(code, line) } }
}

function reasonOf(code: number, line: Buffer): OddLine['reason'] {
  if (code === stop.tooLong) return 'too-long'
  if (code === stop.nul) return 'nul'
  if (code === stop.invalidUtf8) return 'invalid-utf8'
  if (code === stop.glued) return 'glued'
  return line.indexOf(AUDIT_EVENT_START, 1, 'latin1') > 0 ? 'glued' : 'not-json'
}
