import type { Chunk, LongLine, Part, Skipped } from '../block.ts'
import { type ForeignEncoding, type LineCode, lineCode } from './encoding.ts'
import { Fault } from './files.ts'

/** What is asked of the cursor that reads the file as it is. */
export interface RawCursor {
  read(room: Uint8Array, signal?: AbortSignal): Promise<Chunk | undefined>
  /** Bytes from anywhere in the file, without moving. */
  peek(into: Uint8Array, position: number): Promise<number | Fault>
  /** Where the file ends, as far as it is known. */
  readonly end: number
  /** The line that the chunk stops at does not end before `end`. */
  scanned(end: number): void
  /** Whether the file ends at `position` for good: its last line counts also without its newline. */
  endsAt(position: number): boolean
}

const FIRST_READ = 64 * 1024
const PIECE_BYTES = 256 * 1024
const NEWLINE = 0x0a

/** Where a line ends: in the room as UTF-8, and in the bytes as they were read. */
interface LineEnd {
  readonly room: number
  readonly raw: number
}

interface Lines {
  readonly ends: readonly LineEnd[]
  /** No whole line was left out for lack of room. */
  readonly isAll: boolean
}

/**
 * Reads lines of another encoding as UTF-8. Lines are found in the bytes of the file and decoded one by one, so that one
 * that is no text cannot reach into the next, and each line end in the room has its exact place in the file.
 *
 * Nothing is shown of a last line without its newline. A line that does not fit fills the room, as one in UTF-8 does:
 * then the taker asks for more room, or for the line by itself.
 */
export function createTranscoder(encoding: ForeignEncoding) {
  const code = lineCode(encoding)
  let scratch = Buffer.alloc(0)

  return async function read(cursor: RawCursor, room: Uint8Array, signal?: AbortSignal): Promise<Chunk | undefined> {
    const into = Buffer.from(room.buffer, room.byteOffset, room.length)
    // Every two bytes become at least one, whatever the text: so many fill any room.
    const most = 2 * room.length + 4
    for (let size = Math.min(FIRST_READ, most); ; size = Math.min(2 * size, most)) {
      if (scratch.length < size) scratch = Buffer.allocUnsafe(size)
      const chunk = await cursor.read(scratch.subarray(0, size), signal)
      if (!chunk) return undefined
      const { position } = chunk
      // The newline byte that a cursor puts behind a finished file is none here.
      const raw = scratch.subarray(0, Math.min(chunk.length, cursor.end - position))
      const isEnd = cursor.endsAt(position + raw.length)
      const lines = transcode(code, { raw, position, isEnd }, into)
      if (lines.ends.length > 0 || !lines.isAll) return lineChunk(chunk, { cursor, code, lines, room: into }, signal)
      if (raw.length < size) {
        chunk.leave('partial')
        return undefined
      }
      if (size < most) continue
      fill(into, code.decoder(position).decode(raw))
      return lineChunk(chunk, { cursor, code, lines: { ends: [], isAll: false }, room: into }, signal)
    }
  }
}

/** Puts the whole lines of `raw` into the room, or the begin of the first when that one alone is too long. */
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
  readonly cursor: RawCursor
  readonly code: LineCode
  readonly lines: Lines
  readonly room: Buffer
}

/** The chunk of the file with its bytes counted as they are in the room. */
function lineChunk(chunk: Chunk, { cursor, code, lines, room }: Transcoded, signal?: AbortSignal): Chunk {
  const ends = [...lines.ends]
  let hasTaken = false

  /** Behind a line, or inside a run of NUL bytes that begins where a line does. */
  function rawOf(offset: number): number {
    const last = ends.findLast((end) => end.room <= offset) ?? { room: 0, raw: 0 }
    return last.raw + (offset - last.room) * code.unit
  }

  return {
    ...chunk,
    length: ends.at(-1)?.room ?? room.length,
    take(bytes, skipped) {
      hasTaken = true
      const raw = rawOf(bytes)
      return scaledPart(chunk.take(raw, skipped && scaled(skipped, raw / bytes)), raw / bytes)
    },
    leave(rest) {
      chunk.leave(hasTaken && !lines.isAll ? 'unread' : rest)
    },
    async lineFrom(offset) {
      const from = rawOf(offset)
      const { end } = cursor
      const found = await findLine({ cursor, code }, chunk.position + from, signal)
      if (!found) {
        cursor.scanned(end)
        return { kind: 'partial' }
      }
      const next = offset + found.length + 1
      if (!ends.some((end) => end.room === next)) ends.push({ room: next, raw: found.next - chunk.position })
      const pieces = () => decodedPieces({ cursor, code }, found, signal)
      return { kind: 'line', length: found.length, next, pieces } as LongLine
    },
  }
}

/** Counts of bytes as the taker saw them, as bytes of the file: exact when they cover whole parts, else by proportion. */
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

/** A line in the file, `[start, end)` without its newline, and how long it is in UTF-8. */
interface FoundLine {
  readonly start: number
  readonly end: number
  readonly next: number
  readonly length: number
}

/** Finds the end of a line of any length, holding one piece in memory at a time; undefined when it is not there yet. */
async function findLine(
  { cursor, code }: Pick<Transcoded, 'cursor' | 'code'>,
  start: number,
  signal?: AbortSignal,
): Promise<FoundLine | undefined> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES)
  const decoder = code.decoder(start)
  let length = 0
  for (let position = start; !signal?.aborted; ) {
    const count = await cursor.peek(buffer, position)
    if (count instanceof Fault) return undefined
    // An odd byte at the end may be half a character: it counts when nothing can follow.
    const whole = cursor.endsAt(position + count) ? count : count - (count % code.unit)
    const bytes = buffer.subarray(0, whole)
    if (whole === 0 && !(cursor.endsAt(position) && position > start)) return undefined
    const newline = code.newline(bytes, 0, position)
    const isLast = newline >= 0 || whole === 0
    length += Buffer.byteLength(decoder.decode(newline < 0 ? bytes : bytes.subarray(0, newline), { stream: !isLast }))
    if (isLast) {
      const end = position + Math.max(0, newline)
      return { start, end, next: newline < 0 ? end : end + code.unit, length }
    }
    position += whole
  }
  return undefined
}

async function* decodedPieces(
  { cursor, code }: Pick<Transcoded, 'cursor' | 'code'>,
  { start, end }: FoundLine,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES)
  const decoder = code.decoder(start)
  for (let position = start; position < end && !signal?.aborted; ) {
    const count = await cursor.peek(buffer.subarray(0, Math.min(PIECE_BYTES, end - position)), position)
    if (count instanceof Fault || count === 0) return
    position += count
    yield Buffer.from(decoder.decode(buffer.subarray(0, count), { stream: position < end }))
  }
}
