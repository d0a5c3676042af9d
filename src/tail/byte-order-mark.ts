import type { Chunk } from '../block.ts'
import { Fault } from './files.ts'

const MARK = [0xef, 0xbb, 0xbf]

/** What is asked of the cursor that a chunk comes from. */
interface Peeking {
  peek(into: Uint8Array, position: number): Promise<number | Fault>
}

/**
 * The chunk of a file's start without the UTF-8 byte order mark, which would make its first line no JSON: the room then
 * begins behind it. Taken with the first line, and counted.
 */
export async function withoutMark(chunk: Chunk, cursor: Peeking, room: Uint8Array): Promise<Chunk> {
  const isMarked = chunk.position === 0 && chunk.length >= MARK.length && MARK.every((byte, at) => room[at] === byte)
  if (!isMarked) return chunk
  room.copyWithin(0, MARK.length, chunk.length)
  // A room that was full must be full again: that is how it is known to be too small.
  const isFull = chunk.length === room.length
  const more = isFull ? await cursor.peek(room.subarray(room.length - MARK.length), chunk.length) : 0
  return {
    ...chunk,
    position: MARK.length,
    length: chunk.length - MARK.length + (more instanceof Fault ? 0 : more),
    take: (bytes, skipped) => chunk.take(bytes + MARK.length, { ...skipped, 'byte-order-mark': MARK.length }),
    async lineFrom(offset) {
      const line = await chunk.lineFrom(offset + MARK.length)
      return line.kind === 'line' ? { ...line, next: line.next - MARK.length } : line
    },
  }
}
