import type { LongLine } from '../block.ts'
import { Fault } from './files.ts'

const PIECE_BYTES = 256 * 1024
const NEWLINE = 0x0a

interface LineStart {
  /** Position of the room's front, to count `next` from. */
  readonly front: number
  /** Position of the line's first byte. */
  readonly from: number
  /** Whether the content ends at `position` for good, which ends the line, too. */
  endsAt(position: number): boolean
  read(into: Uint8Array, position: number): Promise<number | Fault>
}

/** Finds the end of a line of any length, holding one piece in memory at a time. */
export async function findLine(start: LineStart): Promise<LongLine> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES)
  let position = start.from
  for (;;) {
    const count = await start.read(buffer, position)
    if (count instanceof Fault) return { kind: 'partial' }
    if (count === 0)
      return start.endsAt(position) && position > start.from
        ? line(start, { end: position, next: position })
        : { kind: 'partial' }
    const newline = buffer.subarray(0, count).indexOf(NEWLINE)
    if (newline >= 0) return line(start, { end: position + newline, next: position + newline + 1 })
    position += count
  }
}

function line({ from, front, read }: LineStart, { end, next }: { end: number; next: number }): LongLine {
  return {
    kind: 'line',
    length: end - from,
    next: next - front,
    async *pieces() {
      for (let position = from; position < end; ) {
        const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - position))
        const count = await read(piece, position)
        if (count instanceof Fault || count === 0) return
        yield piece.subarray(0, count)
        position += count
      }
    },
  }
}
