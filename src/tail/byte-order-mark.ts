import type { Chunk } from '../chunk.ts'

const MARK = [0xef, 0xbb, 0xbf]

/**
 * Reads the start of a file without the UTF-8 byte order mark, which would make its first line invalid JSON: the room then
 * starts after it. The mark is taken with the first line and counted as skipped.
 */
export async function readWithoutMark(
  room: Uint8Array,
  read: (into: Uint8Array) => Promise<Chunk | undefined>,
): Promise<Chunk | undefined> {
  const chunk = await read(room)
  if (!chunk || !isMarked(room, chunk.length)) return chunk
  if (chunk.length < room.length) {
    room.copyWithin(0, MARK.length, chunk.length)
    return unmarked(chunk)
  }
  // A full room must be filled again, because that shows the taker that it is too small. And everything read must be shown:
  // hidden bytes would be offered again endlessly.
  chunk.leave('unread')
  const wide = new Uint8Array(room.length + MARK.length)
  const whole = await read(wide)
  if (!whole) return undefined
  room.set(wide.subarray(MARK.length, whole.length))
  return unmarked(whole)
}

function isMarked(bytes: Uint8Array, length: number): boolean {
  return length >= MARK.length && MARK.every((byte, at) => bytes[at] === byte)
}

function unmarked(chunk: Chunk): Chunk {
  return {
    ...chunk,
    position: MARK.length,
    length: chunk.length - MARK.length,
    take: (bytes, skipped) => chunk.take(bytes + MARK.length, { ...skipped, 'byte-order-mark': MARK.length }),
    async lineFrom(offset) {
      const line = await chunk.lineFrom(offset + MARK.length)
      return line.kind === 'line' ? { ...line, next: line.next - MARK.length } : line
    },
  }
}
