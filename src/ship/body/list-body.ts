import { Buffer, isUtf8 } from 'node:buffer'
import { NEWLINE, type Origin } from '../../chunk.ts'
import type { Appended, Body, LineContext, Lines } from './body.ts'
import type { BodyLimits, Format } from './format.ts'
import { createKernel, entry, type Kernel, SLACK_BYTES, stop, word } from './kernel.ts'
import { type Layout, layOut, longestLine, REPAIR_GROWTH } from './layout.ts'
import { LineMeans, roomSize } from './room-size.ts'
import { stoppedBy } from './stopped.ts'

export type { BodyLimits } from './format.ts'

const MIN_READ = 64 * 1024
/** Less room than this is not worth a read. */
const MIN_ROOM = 64 * 1024

/**
 * A list under construction in one memory of fixed size. The list's state (target, records, table) lives in the kernel's
 * words; `#begin` and `targetEnd` move together, `batchMaxBytes` apart.
 */
export class ListBody implements Body {
  readonly #limits: BodyLimits
  readonly #format: Format
  readonly #layout: Layout
  readonly #kernel: Kernel
  readonly #prefix: Buffer
  readonly #suffix: Buffer
  readonly #means = new LineMeans()
  #origin: Origin | undefined
  #readAtMs: number | undefined
  #begin = 0
  #room = { start: 0, bytes: 0 }
  /** The part of the room, by address, that later calls of `append` may request. */
  #unread = { start: 0, end: 0 }
  /** Whether a read filled the room without a whole line. */
  #starved = false
  #sealed = false

  constructor(limits: BodyLimits, format: Format) {
    this.#limits = limits
    this.#format = format
    this.#prefix = Buffer.from(format.prefix)
    this.#suffix = Buffer.from(format.suffix)
    this.#layout = layOut(limits, format)
    this.#kernel = createKernel(this.#layout.memoryBytes)
    this.#set(word.table, this.#layout.table)
    this.#set(word.clock, this.#layout.clock)
    this.#set(word.maxRecords, limits.batchMaxSize)
    this.reset()
  }

  get wantsObjects(): boolean {
    return this.#format.wantsObjects
  }

  get records(): number {
    return this.#get(word.records)
  }

  get bytes(): number {
    return this.#end - this.#begin + this.#suffix.length
  }

  room(): Uint8Array | undefined {
    this.#mustBeOpen()
    const { batchMaxSize, batchMaxBytes, maxLineBytes } = this.#limits
    const empty = this.records === 0
    const encodedLeft = Math.max(0, this.#get(word.targetEnd) - this.#get(word.target))
    const useless = this.records >= batchMaxSize || encodedLeft < Math.min(MIN_ROOM, batchMaxBytes / 8)
    if (useless && !empty) return undefined
    const longest = maxLineBytes + 2
    const bytes = roomSize({
      recordsLeft: batchMaxSize - this.records,
      encodedLeft,
      meanLineBytes: this.#means.lineBytes,
      meanRecordBytes: this.#means.recordBytes,
      atLeast: this.#starved ? longest : Math.min(MIN_READ, longest),
      atMost: this.#format.reading === 'aside' ? this.#layout.scratchBytes : Math.max(encodedLeft, empty ? longest : 0),
    })
    const start = this.#roomStart(bytes)
    this.#room = { start, bytes }
    this.#unread = { start, end: start + bytes }
    return this.#kernel.bytes.subarray(start, start + bytes)
  }

  append(chunk: Lines): Appended {
    this.#mustBeOpen()
    const { start, bytes } = this.#room
    const { from, length, until = length } = chunk
    if (from > until || until > length || length > bytes) throw new RangeError('more lines than the room holds')
    const before = { records: this.records, bytes: this.#listBytes }
    this.#describe(chunk)
    this.#set(word.source, start + from)
    this.#set(word.sourceEnd, start + until)
    this.#set(word.maxLineBytes, Math.min(chunk.origin.maxLineBytes, this.#limits.maxLineBytes))
    this.#set(word.emptyBytes, 0)
    const code = this.#encode(start + length)
    const end = this.#get(word.source) - start
    const records = this.records - before.records
    const emptyLineBytes = this.#get(word.emptyBytes)
    this.#means.add(records, end - from - emptyLineBytes, this.#listBytes - before.bytes)
    this.#starved = code === stop.partial && end === 0 && length === bytes
    const stopped = stoppedBy(code, this.#kernel, start)
    const next = stopped.kind === 'odd' ? stopped.line.next : end
    this.#unread = { start: start + next, end: start + length }
    return { end, records, emptyLineBytes, stopped }
  }

  appendLine(line: Uint8Array, context: LineContext, fileBytes = line.length + 1): 'taken' | 'full' | 'not-json' {
    this.#mustBeOpen()
    const content = isUtf8(line) ? line : Buffer.from(Buffer.from(line).toString())
    if (this.#format.wantsObjects && content.includes(NEWLINE)) return 'not-json'
    if (content.length > longestLine(this.#limits)) throw new RangeError('longer than a line may be')
    this.#describe(context)
    const source = this.#placeFor(content)
    if (source === undefined) return 'full'
    this.#kernel.bytes.set(content, source)
    this.#kernel.bytes[source + content.length] = NEWLINE
    this.#set(word.source, source)
    this.#set(word.sourceEnd, source + content.length + 1)
    this.#set(word.maxLineBytes, content.length)
    const { records } = this
    const code = this.#format.encodeOne(this.#kernel)
    if (this.records > records) {
      this.#set(this.#entry(records) + entry.lineBytes, fileBytes)
      return 'taken'
    }
    return code === stop.full ? 'full' : 'not-json'
  }

  seal(): void {
    this.#mustBeOpen()
    this.#kernel.bytes.set(this.#suffix, this.#end)
    this.#sealed = true
  }

  slice(from: number, to: number): readonly Uint8Array[] {
    const { bytes } = this.#kernel
    if (from === 0 && to === this.records) return [bytes.subarray(this.#begin, this.#begin + this.bytes)]
    return [this.#prefix, bytes.subarray(this.#recordStart(from), this.#recordStart(to) - 1), this.#suffix]
  }

  recordLine(index: number): Uint8Array {
    const start = this.#recordStart(index)
    const payload = this.#get(this.#entry(index) + entry.payload)
    const record = this.#kernel.bytes.subarray(start, this.#recordStart(index + 1) - 1)
    return this.#format.lineOf(record, payload - start)
  }

  recordBytes(index: number): number {
    return this.#get(this.#entry(index) + entry.lineBytes)
  }

  reset(): void {
    this.#means.age()
    this.#begin = this.#layout.start
    this.#kernel.bytes.set(this.#prefix, this.#begin)
    this.#set(word.target, this.#begin + this.#prefix.length)
    this.#set(word.targetEnd, this.#begin + this.#limits.batchMaxBytes - this.#suffix.length + 1)
    this.#set(word.records, 0)
    this.#room = { start: this.#begin, bytes: 0 }
    this.#unread = { start: 0, end: 0 }
    this.#starved = false
    this.#sealed = false
  }

  #get(index: number): number {
    return this.#kernel.words[index] ?? 0
  }

  #set(index: number, value: number): void {
    this.#kernel.words[index] = value
  }

  #mustBeOpen(): void {
    if (this.#sealed) throw new Error('the body is sealed')
  }

  get #listBytes(): number {
    return this.#get(word.target) - this.#begin
  }

  /** Where the suffix goes: over the last comma. */
  get #end(): number {
    return this.#get(word.target) - (this.records > 0 ? 1 : 0)
  }

  #entry(index: number): number {
    return this.#layout.table / 4 + entry.words * index
  }

  #recordStart(index: number): number {
    return index < this.records ? this.#get(this.#entry(index) + entry.start) : this.#get(word.target)
  }

  /** Writes the clock and the origin's text where the kernel reads them. */
  #describe({ origin, readAtMs }: LineContext): void {
    const { clock, parts, partsBytes } = this.#layout
    if (readAtMs !== this.#readAtMs) {
      this.#readAtMs = readAtMs
      const digits = String(Math.max(0, Math.trunc(readAtMs)))
      this.#set(word.clockBytes, this.#kernel.bytes.write(digits, clock, 'latin1'))
    }
    if (origin === this.#origin) return
    const { head, middle, tail } = this.#format.parts(origin)
    if (head.length + middle.length + tail.length > partsBytes)
      throw new RangeError('an origin has too long attributes')
    this.#origin = origin
    let at = parts
    for (const [part, address, bytes] of [
      [head, word.head, word.headBytes],
      [middle, word.middle, word.middleBytes],
      [tail, word.tail, word.tailBytes],
    ] as const) {
      this.#kernel.bytes.set(part, at)
      this.#set(address, at)
      this.#set(bytes, part.length)
      at += part.length
    }
  }

  /**
   * Returns where `bytes` are read to. `ahead` is far enough that the list seldom grows into lines not encoded yet, but no
   * farther, because memory just read is cheapest to write to. No room begins before the start of a new list, even after this
   * one was moved down, so that it can be moved down again.
   */
  #roomStart(bytes: number): number {
    const { scratch, start } = this.#layout
    const target = this.#get(word.target)
    if (this.#format.reading === 'aside') return scratch
    if (this.#format.reading === 'in-place') return Math.max(target, start)
    const growth = Math.max(0, this.#means.recordBytes / this.#means.lineBytes - 1)
    const gap = Math.ceil(1.1 * growth * bytes + this.#limits.maxLineBytes / 16)
    return Math.min(Math.max(target + gap, start), scratch - bytes)
  }

  /** Encodes what was read up to `readEnd`, from the kernel's `source` on. */
  #encode(readEnd: number): number {
    for (;;) {
      const code = this.#format.encode(this.#kernel)
      if (code !== stop.tight) return code
      this.#unread = { start: this.#get(word.source), end: readEnd }
      this.#makeWay(this.#get(word.way))
    }
  }

  /** Makes space for a line from outside and its record. Returns the line's place; undefined if the list would get too long. */
  #placeFor(line: Uint8Array): number | undefined {
    const { reading } = this.#format
    if (reading === 'aside') return Math.max(this.#layout.scratch, this.#unread.end)
    const around = this.#get(word.headBytes) + this.#get(word.middleBytes) + this.#get(word.tailBytes)
    const bytes = around + line.length
    if (this.records > 0 && this.#get(word.target) + bytes >= this.#get(word.targetEnd)) return undefined
    this.#makeWay(bytes + SLACK_BYTES)
    return reading === 'in-place' ? this.#get(word.target) : this.#layout.scratch
  }

  /**
   * Makes space for `bytes` between the list and the unread rest of the room. The rest stays where its reader expects it; the
   * list moves down, far enough for all of the rest to grow, so that moves are rare. There is always space: no room begins
   * before `start`, more than a full list and one record fit between `lowest` and `start`, and no more than that is ever
   * requested.
   */
  #makeWay(bytes: number): void {
    const { start, end } = this.#unread
    const target = this.#get(word.target)
    const missing = target + bytes - start
    if (start === end || missing <= 0) return
    const shift = Math.min(missing + REPAIR_GROWTH * (end - start), this.#begin - this.#layout.lowest)
    this.#kernel.bytes.copyWithin(this.#begin - shift, this.#begin, target)
    for (let index = 0; index < this.records; index += 1) {
      for (const address of [entry.start, entry.payload]) {
        const at = this.#entry(index) + address
        this.#set(at, this.#get(at) - shift)
      }
    }
    this.#begin -= shift
    this.#set(word.target, target - shift)
    this.#set(word.targetEnd, this.#get(word.targetEnd) - shift)
  }
}

/** Returns a copy of the line without the carriage return of its newline. */
export function withoutReturn(line: Buffer): Buffer {
  return Buffer.from(line.at(-1) === 13 ? line.subarray(0, -1) : line)
}
