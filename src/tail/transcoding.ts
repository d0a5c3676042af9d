import { type Chunk, type LongLine, NEWLINE, type Part, type Skipped } from '../chunk.ts'
import type { Following } from './cursor/cursor.ts'
import { type ForeignEncoding, type LineCode, lineCode } from './file/encoding.ts'

/** What is needed from the cursor, which reads the raw file. */
export interface RawCursor {
  read(room: Uint8Array, following: Following): Promise<Chunk | undefined>
  /** The known end of the file. */
  readonly end: number
  /** Whether `position` is the final end of the file: its last line then counts even without its newline. */
  endsAt(position: number): boolean
}

const FIRST_READ = 64 * 1024

/** Where a line ends: in the room as UTF-8, and in the raw bytes. */
interface LineEnd {
  readonly room: number
  readonly raw: number
}

interface Lines {
  readonly ends: readonly LineEnd[]
  /** Whether no whole line was left out for lack of room. */
  readonly isAll: boolean
}

/**
 * Reads lines of another encoding as UTF-8. Lines are found in the raw bytes and decoded one by one, so that an invalid
 * one cannot affect the next, and each line end in the room has its exact place in the file.
 *
 * An unterminated last line is not shown at all. A line that does not fit fills the room, as one in UTF-8 does: then the
 * taker asks for more room, or for the line by itself.
 */
export function createTranscoder(encoding: ForeignEncoding) {
  const code = lineCode(encoding)
  let scratch = Buffer.alloc(0)

  return async function read(cursor: RawCursor, room: Uint8Array, signal?: AbortSignal): Promise<Chunk | undefined> {
    const into = Buffer.from(room.buffer, room.byteOffset, room.length)
    // Every two bytes become at least one, whatever the text: this many always fill the room.
    const most = 2 * room.length + 4
    for (let size = Math.min(FIRST_READ, most); ; size = Math.min(2 * size, most)) {
      if (scratch.length < size) scratch = Buffer.allocUnsafe(size)
      const chunk = await cursor.read(scratch.subarray(0, size), { code, signal })
      if (!chunk) return undefined
      const { position } = chunk
      // Leaves out the newline byte that a cursor appends to a finished file: in UTF-16 that byte alone is not a newline.
      const raw = scratch.subarray(0, Math.min(chunk.length, cursor.end - position))
      const isEnd = cursor.endsAt(position + raw.length)
      const lines = transcode(code, { raw, position, isEnd }, into)
      if (lines.ends.length > 0 || !lines.isAll) return lineChunk(chunk, { code, lines, room: into, raw })
      if (raw.length < size) {
        chunk.leave('partial')
        return undefined
      }
      if (size < most) continue
      fill(into, code.decoder(position).decode(raw))
      return lineChunk(chunk, { code, lines: { ends: [], isAll: false }, room: into, raw })
    }
  }
}

/** Puts the whole lines of `raw` into the room, or the beginning of the first if that alone is too long. */
function transcode(
  code: LineCode,
  { raw, position, isEnd }: { raw: Buffer; position: number; isEnd: boolean },
  room: Buffer,
): Lines {
  const ends: LineEnd[] = []
  const decoder = code.decoder(1)
  let filled = 0
  for (let at = 0; at < raw.length; ) {
    const newline = code.newline(raw, at, position)
    if (newline < 0 && !isEnd) break
    const line = raw.subarray(at, newline < 0 ? raw.length : newline)
    const text = (position + at === 0 ? code.decoder(0) : decoder).decode(line)
    const size = Buffer.byteLength(text) + 1
    if (filled + size > room.length) {
      if (ends.length === 0) fill(room, text)
      return { ends, isAll: false }
    }
    room.write(text, filled)
    filled += size
    room[filled - 1] = NEWLINE
    at += line.length + (newline < 0 ? 0 : code.unit)
    ends.push({ room: filled, raw: at })
  }
  return { ends, isAll: true }
}

function fill(room: Buffer, text: string): void {
  Buffer.from(text).copy(room)
}

interface Transcoded {
  readonly code: LineCode
  readonly lines: Lines
  readonly room: Buffer
  /** Valid as long as the chunk is. */
  readonly raw: Buffer
}

/** Returns the file's chunk, with bytes counted as in the room. */
function lineChunk(chunk: Chunk, { code, lines, room, raw }: Transcoded): Chunk {
  const ends = [...lines.ends]
  let hasTaken = false

  function rawOf(offset: number): number {
    const last = ends.findLast((end) => end.room <= offset) ?? { room: 0, raw: 0 }
    const length = offset - last.room
    return length === 0
      ? last.raw
      : last.raw + rawLength(code, { line: raw.subarray(last.raw), position: chunk.position + last.raw }, length)
  }

  return {
    ...chunk,
    length: ends.at(-1)?.room ?? room.length,
    take(bytes, skipped) {
      hasTaken = true
      const rawBytes = rawOf(bytes)
      const scale = rawBytes / bytes
      return scaledPart(chunk.take(rawBytes, skipped && scaled(skipped, scale)), scale)
    },
    leave(rest) {
      chunk.leave(hasTaken && !lines.isAll ? 'unread' : rest)
    },
    async lineFrom(offset) {
      const from = rawOf(offset)
      const line = await chunk.lineFrom(from)
      if (line.kind === 'partial') return line
      const pieces = () => decodedPieces(line, code.decoder(chunk.position + from))
      const length = await lengthOf(pieces())
      if (length === undefined) return { kind: 'partial' }
      const next = offset + length + 1
      if (!ends.some((end) => end.room === next)) ends.push({ room: next, raw: line.next })
      return { kind: 'line', length, next, pieces }
    },
  }
}

/**
 * Returns how many bytes of the raw line make up the first `length` bytes of its text, which end between two characters.
 * Half a character may stand there; it is decoded only with what follows it, which is then a character of one unit.
 */
function rawLength(code: LineCode, { line, position }: { line: Buffer; position: number }, length: number): number {
  const decoded = (units: number) =>
    Buffer.byteLength(code.decoder(position).decode(line.subarray(0, units * code.unit), { stream: true }))
  let low = 0
  // Every unit becomes at least one byte of text, except a byte order mark and half a character.
  let high = Math.min(Math.floor(line.length / code.unit), length + 2)
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (decoded(middle) < length) low = middle + 1
    else high = middle
  }
  return (decoded(low) > length ? low - 1 : low) * code.unit
}

/** Converts the taker's byte counts to bytes of the file: exact if they cover whole parts, else proportional. */
function scaled(skipped: Skipped, scale: number): Skipped {
  return Object.fromEntries(Object.entries(skipped).map(([reason, bytes]) => [reason, Math.round(bytes * scale)]))
}

function scaledPart(part: Part, scale: number): Part {
  return {
    ...part,
    settle: ({ deadLetteredBytes, truncatedBytes }) =>
      part.settle({
        deadLetteredBytes: Math.round(deadLetteredBytes * scale),
        truncatedBytes: Math.round(truncatedBytes * scale),
      }),
  }
}

type Decoded = AsyncGenerator<Uint8Array, 'whole' | 'short', undefined>

async function* decodedPieces({ length, pieces }: Extract<LongLine, { kind: 'line' }>, decoder: TextDecoder): Decoded {
  let left = length
  for await (const piece of pieces()) {
    left -= piece.length
    yield Buffer.from(decoder.decode(piece, { stream: left > 0 }))
  }
  return left === 0 ? 'whole' : 'short'
}

/** Returns the total length of the pieces; undefined if they are cut short. */
async function lengthOf(pieces: Decoded): Promise<number | undefined> {
  let length = 0
  for (;;) {
    const { done, value } = await pieces.next()
    if (done) return value === 'whole' ? length : undefined
    length += value.length
  }
}
