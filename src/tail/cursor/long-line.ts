import { FINGERPRINT_BYTES } from '../../checkpoint/registry.ts'
import { type LongLine, NEWLINE } from '../../chunk.ts'
import type { LineCode } from '../file/encoding.ts'
import { Fault } from '../file/files.ts'
import type { Seen } from './proof.ts'

const PIECE_BYTES = 256 * 1024
const UTF_8: LineEnds = { unit: 1, newline: (bytes) => bytes.indexOf(NEWLINE) }

/** How lines end in the bytes of a file. */
export type LineEnds = Pick<LineCode, 'unit' | 'newline'>

interface LineStart {
  /** Position of the room's first byte, from which `next` counts. */
  readonly front: number
  /** Position of the line's first byte. */
  readonly from: number
  /** UTF-8 if omitted. */
  readonly code?: LineEnds | undefined
  /** What was searched before without finding the end: the search continues after it. */
  readonly seen?: Seen | undefined
  /** Whether `position` is the final end of the content, which also ends the line. */
  endsAt(position: number): boolean
  read(into: Uint8Array, position: number): Promise<number | Fault>
}

/** `seen`: how far the search for the end has got. */
export type FoundLine = Extract<LongLine, { kind: 'line' }> | { readonly kind: 'partial'; readonly seen: Seen }

/** Finds the end of a line of any length, holding one piece in memory at a time. */
export async function findLine(start: LineStart, signal?: AbortSignal): Promise<FoundLine> {
  const { from, endsAt, code = UTF_8 } = start
  const buffer = Buffer.allocUnsafe(PIECE_BYTES)
  let seen = start.seen ?? { end: from, bytes: Buffer.alloc(0) }
  while (!signal?.aborted) {
    const count = await start.read(buffer, seen.end)
    if (count instanceof Fault) break
    // An odd byte at the end may be half a character: it counts only if nothing can follow.
    const whole = endsAt(seen.end + count) ? count : count - (count % code.unit)
    if (whole === 0) {
      if (!endsAt(seen.end) || seen.end === from) break
      return line(start, { end: seen.end, next: seen.end }, signal)
    }
    const piece = buffer.subarray(0, whole)
    const newline = code.newline(piece, 0, seen.end)
    const end = seen.end + newline
    if (newline >= 0) return line(start, { end, next: end + code.unit }, signal)
    seen = goOn(seen, piece)
  }
  return { kind: 'partial', seen }
}

function goOn({ end, bytes }: Seen, piece: Buffer): Seen {
  const last = Buffer.concat([bytes, piece.subarray(-FINGERPRINT_BYTES)])
  return { end: end + piece.length, bytes: last.subarray(-FINGERPRINT_BYTES) }
}

function line(
  { from, front, code = UTF_8, read }: LineStart,
  { end, next }: { end: number; next: number },
  signal?: AbortSignal,
): FoundLine {
  return {
    kind: 'line',
    length: end - from,
    next: next - front,
    async *pieces() {
      for (let position = from; position < end && !signal?.aborted; ) {
        const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - position))
        const count = await read(piece, position)
        if (count instanceof Fault || count === 0) return
        const bytes = piece.subarray(0, count)
        // This newline was not there during the search: the file has been rewritten.
        if (code.newline(bytes, 0, position) >= 0) return
        yield bytes
        position += count
      }
    },
  }
}
