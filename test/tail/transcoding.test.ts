import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Chunk, LongLine, Part, Settlement, Span } from '../../src/chunk.ts'
import { findLine } from '../../src/tail/cursor/long-line.ts'
import { type ForeignEncoding, lastLineEnd } from '../../src/tail/file/encoding.ts'
import { createTranscoder, type RawCursor } from '../../src/tail/transcoding.ts'

const settlement: Settlement = { deadLetteredBytes: 0, truncatedBytes: 0 }

const origin = { id: 'g', path: '/x', labels: { service: undefined, source: undefined, tags: [] }, maxLineBytes: 99 }

/** A file that grows, read as the tail reads it: the cursor adds a newline byte to what a finished file ends with. */
function rawFile(whole: Buffer) {
  const spans: Span[] = []
  const settled: Settlement[] = []
  const state = { visible: 0, isFinal: false, position: 0, readEnd: 0, scannedTo: 0 }
  const endsAt = (position: number) => state.isFinal && position === state.visible
  // In small pieces, so that characters and newlines are cut in two.
  const peek = async (into: Uint8Array, position: number) =>
    whole.subarray(0, Math.min(state.visible, position + 7)).copy(into, 0, position)
  const cursor: RawCursor = {
    get end() {
      return state.visible
    },
    endsAt,
    async read(room, { code }) {
      const { position } = state
      state.scannedTo = 0
      const count = whole.subarray(0, state.visible).copy(room, 0, position)
      if (count === 0) return undefined
      const isClosed =
        state.isFinal && position + count >= state.visible && count < room.length && room[count - 1] !== 10
      if (isClosed) room[count] = 10
      return {
        origin,
        position,
        length: isClosed ? count + 1 : count,
        readAtMs: 0,
        take(bytes): Part {
          const span = { start: position, end: Math.min(position + bytes, state.visible) }
          expect(span.end).toBeGreaterThan(span.start)
          spans.push(span)
          state.position = span.end
          state.readEnd = span.end
          return { origin, span, settle: (outcome) => void settled.push(outcome) }
        },
        leave(rest) {
          const end = rest === 'unread' ? state.position : position + count
          state.readEnd = Math.max(state.position, end, state.scannedTo)
        },
        async lineFrom(offset) {
          const { visible } = state
          const line = await findLine({ front: position, from: position + offset, code, endsAt, read: peek })
          if (line.kind === 'partial') state.scannedTo = visible
          return line
        },
      }
    },
  }
  return { cursor, state, spans, settled }
}

type Read = ReturnType<typeof createTranscoder>

async function textOf(line: Extract<LongLine, { kind: 'line' }>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of line.pieces()) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  expect(bytes.length).toBe(line.length)
  return bytes.toString()
}

interface Taking {
  readonly roomBytes: number
  /** At most so many lines of a chunk are taken, in turn. */
  readonly takes: readonly number[]
  /** Room for a line that filled a whole room is found up to here; longer ones are taken by themselves. */
  readonly longestRoom: number
}

/** Takes whole lines out of the room as a lane does, until there is nothing more to read. */
async function takeAll(file: ReturnType<typeof rawFile>, read: Read, taking: Taking): Promise<string[]> {
  const { state } = file
  const lines: string[] = []
  let turn = 0
  let { roomBytes } = taking
  while (state.visible > state.readEnd) {
    const room = new Uint8Array(roomBytes)
    const chunk = await read(file.cursor, room)
    if (!chunk) {
      state.readEnd = Math.max(state.readEnd, state.visible)
      break
    }
    expect(chunk.length).toBeLessThanOrEqual(room.length)
    const bytes = Buffer.from(room.buffer, 0, chunk.length)
    const most = taking.takes[turn++ % taking.takes.length] ?? 1
    const taken = wholeLines(bytes, most)
    if (taken.end > 0) {
      lines.push(...taken.lines)
      chunk.take(taken.end).settle(settlement)
      chunk.leave(taken.end < bytes.lastIndexOf(10) + 1 ? 'unread' : 'partial')
      roomBytes = taking.roomBytes
    } else if (chunk.length === room.length && roomBytes < taking.longestRoom) {
      chunk.leave('unread')
      roomBytes *= 2
    } else if (!(await takeLong(chunk, lines))) break
  }
  return lines
}

function wholeLines(bytes: Buffer, most: number): { lines: string[]; end: number } {
  const lines: string[] = []
  let end = 0
  for (let at = bytes.indexOf(10); at >= 0 && lines.length < most; at = bytes.indexOf(10, end)) {
    lines.push(bytes.toString('utf8', end, at))
    end = at + 1
  }
  return { lines, end }
}

async function takeLong(chunk: Chunk, lines: string[]): Promise<boolean> {
  const line = await chunk.lineFrom(0)
  if (line.kind === 'partial') {
    chunk.leave('partial')
    return false
  }
  lines.push(await textOf(line))
  chunk.take(line.next).settle(settlement)
  chunk.leave('partial')
  return true
}

const utf16 = (text: string, isBig: boolean) => {
  const bytes = Buffer.from(text, 'utf16le')
  return isBig ? bytes.swap16() : bytes
}
/** What Shift-JIS has bytes for in this test: ASCII, a half-width katakana, and two of the double-byte characters. */
const SHIFT_JIS: Readonly<Record<string, readonly number[]>> = { ア: [0x83, 0x41], 表: [0x95, 0x5c], ｱ: [0xb1] }
const shiftJis = (text: string) =>
  Buffer.from([...text].flatMap((char) => SHIFT_JIS[char] ?? [char.charCodeAt(0) % 0x80]))

const encode: Readonly<Record<ForeignEncoding, (text: string) => Buffer>> = {
  'utf-16-le': (text) => utf16(text, false),
  'utf-16-be': (text) => utf16(text, true),
  'shift-jis': shiftJis,
}
const letters: Readonly<Record<ForeignEncoding, readonly string[]>> = {
  // U+0A0A, U+0A41, U+010A and U+410A hold the byte of a newline; 😀 takes two code units.
  'utf-16-le': ['a', 'ü', '\u0a0a', '\u0a41', '\u010a', '\u410a', '😀', '\r', '\0', '"'],
  'utf-16-be': ['a', 'ü', '\u0a0a', '\u0a41', '\u010a', '\u410a', '😀', '\r', '\0', '"'],
  'shift-jis': ['a', 'ア', '表', 'ｱ', '\r', '\\'],
}
const encodings = Object.keys(encode) as ForeignEncoding[]

const taking = fc.record({
  roomBytes: fc.integer({ min: 8, max: 200 }),
  takes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 }),
  longestRoom: fc.constantFrom(8, 64, 4096),
})

test.each(encodings)(
  '%s: whatever is read and taken at once, the lines are the same and spans are whole lines',
  (encoding) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom(...letters[encoding]), maxLength: 60 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 97 }), { maxLength: 10 }),
        taking,
        fc.boolean(),
        async (lines, growth, how, isClosed) => {
          const whole = encode[encoding](lines.map((line) => `${line}\n`).join('') + (isClosed ? '' : 'end'))
          const file = rawFile(whole)
          const read = createTranscoder(encoding)
          const seen: string[] = []
          for (const bytes of [...growth, whole.length]) {
            file.state.visible = Math.min(whole.length, file.state.visible + bytes)
            file.state.readEnd = file.state.position
            seen.push(...(await takeAll(file, read, how)))
          }
          expect(seen).toEqual(lines)
          file.state.isFinal = true
          file.state.readEnd = file.state.position
          seen.push(...(await takeAll(file, read, how)))
          expect(seen).toEqual(isClosed ? lines : [...lines, 'end'])
          let at = 0
          for (const { start, end } of file.spans) {
            expect(start).toBe(at)
            expect(
              lastLineEnd(whole.subarray(start, end), start, encoding) === end - start || end === whole.length,
            ).toBe(true)
            at = end
          }
          expect(at).toBe(whole.length)
        },
      ),
      { numRuns: 150 },
    ),
)

test.each(encodings)('%s: bytes that are no text stall nothing and keep the lines apart', (encoding) =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), taking, async (noise, how) => {
      const whole = Buffer.concat([Buffer.from(noise), encode[encoding]('\nbehind\n')])
      const even = encoding !== 'shift-jis' && noise.length % 2 === 1 ? whole.subarray(1) : whole
      const file = rawFile(even)
      file.state.visible = even.length
      const seen = await takeAll(file, createTranscoder(encoding), how)
      expect(seen.at(-1)).toBe('behind')
      expect(file.state.position).toBe(even.length)
    }),
    { numRuns: 150 },
  ),
)

test.each([
  ['utf-16-le', [0xff, 0xfe]],
  ['utf-16-be', [0xfe, 0xff]],
] as const)('%s: the byte order mark at the start of the file is no part of its first line', async (encoding, mark) => {
  const file = rawFile(Buffer.concat([Buffer.from(mark), encode[encoding]('{}\n\ufeff\n')]))
  file.state.visible = file.state.position + 100
  const seen = await takeAll(file, createTranscoder(encoding), { roomBytes: 64, takes: [9], longestRoom: 64 })
  expect(seen).toEqual(['{}', '\ufeff'])
  expect(file.spans[0]?.start).toBe(0)
})

test('a run of NUL bytes in front of a line can be taken by itself, and is counted in bytes of the file', async () => {
  const file = rawFile(utf16(`${'\0'.repeat(10)}{}\n`, false))
  file.state.visible = 100
  const room = new Uint8Array(64)
  const chunk = await createTranscoder('utf-16-le')(file.cursor, room)
  expect(Buffer.from(room.subarray(0, chunk?.length)).toString()).toBe(`${'\0'.repeat(10)}{}\n`)
  chunk?.take(10, { 'nul-run': 10 })
  expect(file.spans).toEqual([{ start: 0, end: 20 }])
})

test.each(encodings)(
  '%s: a line can be taken up to where an event begins in it, whatever stands before',
  (encoding) => {
    const text = fc.string({ unit: fc.constantFrom(...letters[encoding], '{'), maxLength: 40 })
    // No character: a byte that is none, or one half of a surrogate pair.
    const half = encoding === 'shift-jis' ? Buffer.from([0xfd]) : encode[encoding]('\ud83d')
    const mark = encoding === 'shift-jis' ? Buffer.alloc(0) : encode[encoding]('\ufeff')
    return fc.assert(
      fc.asyncProperty(text, text, text, fc.boolean(), fc.boolean(), async (line, front, rest, isMarked, isHalf) => {
        const before = encode[encoding](`${line}\n${front}`)
        const taken = Buffer.concat([isMarked ? mark : Buffer.alloc(0), before, isHalf ? half : Buffer.alloc(0)])
        const file = rawFile(Buffer.concat([taken, encode[encoding](`{${rest}\n`)]))
        file.state.visible = 1000
        const read = createTranscoder(encoding)
        const room = new Uint8Array(1000)
        const chunk = await read(file.cursor, room)
        const shown = Buffer.from(room.subarray(0, chunk?.length))
        const at = shown.length - Buffer.byteLength(`{${rest}\n`)
        expect(shown.toString('utf8', at)).toBe(`{${rest}\n`)
        if (at > 0) chunk?.take(at)
        chunk?.leave('unread')
        expect(file.state.position).toBe(taken.length)
        const seen = await takeAll(file, read, { roomBytes: 1000, takes: [9], longestRoom: 1000 })
        expect(seen).toEqual([`{${rest}`])
      }),
      { numRuns: 300 },
    )
  },
)

test('dead-lettered bytes are counted in bytes of the file', async () => {
  const file = rawFile(utf16('abcd\n', false))
  file.state.visible = 100
  const chunk = await createTranscoder('utf-16-le')(file.cursor, new Uint8Array(64))
  chunk?.take(5).settle({ deadLetteredBytes: 5, truncatedBytes: 0 })
  expect(file.settled).toEqual([{ deadLetteredBytes: 10, truncatedBytes: 0 }])
})
