import { Buffer, isUtf8 } from 'node:buffer'
import type { Origin } from '../../block.ts'
import type { Appended, Body, LineContext, Lines, OddLine } from './body.ts'
import { AUDIT_EVENT_START, createKernel, KERNEL_BYTES, type Kernel, SLACK_BYTES, stop, word } from './kernel.ts'
import { LineMeans, roomSize } from './room-size.ts'

/** What a body may hold; the limits count the sealed body. A line longer than `batchMaxBytes` allows goes alone. */
export interface BodyLimits {
  readonly batchMaxSize: number
  readonly batchMaxBytes: number
  /** The longest line of any origin. */
  readonly maxLineBytes: number
}

/** How lines become records of a list, and back. */
export interface Format {
  readonly prefix: string
  readonly suffix: string
  /** Records are the lines as they were read, where they were read. */
  readonly inPlace: boolean
  /** Only lines that are one JSON object can be records. */
  readonly wantsObjects: boolean
  /** A record has at most this many bytes for each of its line's, besides what the origin adds. */
  readonly growth: number
  /** Constant text around the line of an origin. */
  parts(origin: Origin): Parts
  encode(kernel: Kernel): number
  /** As `encode`, for one line and its newline. */
  encodeOne(kernel: Kernel): number
  lineOf(record: Buffer, payload: number): Uint8Array
}

export interface Parts {
  readonly head: Uint8Array
  readonly middle: Uint8Array
  readonly tail: Uint8Array
}

/** Text of one origin and the clock: far more than tags may take, and untouched pages cost nothing. */
const PARTS_BYTES = 256 * 1024
const CLOCK_BYTES = 32
const NEWLINE = 10
const RETURN = 13
const SMALLEST_READ = 256 * 1024
/** Less room than this is not worth a read. */
const SMALLEST_ROOM = 64 * 1024
/** U+FFFD takes three bytes in the place of one that is no UTF-8. */
const REPAIR_GROWTH = 3

/** A list in one memory of fixed size: parts, table of records, body, and, if lines are not encoded in place, scratch. */
export class ListBody implements Body {
  readonly #limits: BodyLimits
  readonly #format: Format
  readonly #kernel: Kernel
  readonly #suffix: Buffer
  readonly #prefixBytes: number
  readonly #partsStart: number
  readonly #tableStart: number
  readonly #start: number
  readonly #scratch: number
  readonly #scratchBytes: number
  readonly #means = new LineMeans()
  #origin: Origin | undefined
  #roomStart = 0
  #roomBytes = 0
  /** Bytes of the room that may still be asked for. */
  #unread = { start: 0, end: 0 }
  #starved = false
  #sealed = false

  constructor(limits: BodyLimits, format: Format) {
    this.#limits = limits
    this.#format = format
    this.#suffix = Buffer.from(format.suffix)
    this.#prefixBytes = Buffer.byteLength(format.prefix)
    this.#partsStart = KERNEL_BYTES
    this.#tableStart = this.#partsStart + PARTS_BYTES
    this.#start = aligned(this.#tableStart + 8 * (limits.batchMaxSize + 1))
    this.#scratchBytes = Math.max(limits.batchMaxBytes, limits.maxLineBytes + 2)
    const spareLine = REPAIR_GROWTH * limits.maxLineBytes + SLACK_BYTES
    const frame = this.#prefixBytes + this.#suffix.length + PARTS_BYTES
    const bodyBytes = frame + this.#scratchBytes + spareLine * format.growth
    this.#scratch = aligned(this.#start + bodyBytes)
    const end = format.inPlace ? this.#scratch : this.#scratch + this.#scratchBytes + spareLine
    this.#kernel = createKernel(aligned(end + SLACK_BYTES))
    this.#kernel.bytes.set(Buffer.from(format.prefix), this.#start)
    this.#set(word.table, this.#tableStart)
    this.#set(word.maxRecords, limits.batchMaxSize)
    this.#set(word.targetEnd, this.#start + limits.batchMaxBytes - this.#suffix.length + 1)
    this.reset()
  }

  get records(): number {
    return this.#get(word.records)
  }

  get bytes(): number {
    const comma = this.records > 0 ? 1 : 0
    return this.#get(word.target) - comma - this.#start + this.#suffix.length
  }

  room(): Uint8Array | undefined {
    this.#open()
    const { batchMaxSize, batchMaxBytes, maxLineBytes } = this.#limits
    const empty = this.records === 0
    const encodedLeft = this.#get(word.targetEnd) - this.#get(word.target)
    if (!empty && (this.records >= batchMaxSize || encodedLeft < Math.min(SMALLEST_ROOM, batchMaxBytes / 8)))
      return undefined
    const longest = maxLineBytes + 2
    this.#roomBytes = roomSize({
      recordsLeft: batchMaxSize - this.records,
      encodedLeft: Math.max(encodedLeft, 0),
      meanLineBytes: this.#means.lineBytes,
      meanRecordBytes: this.#means.recordBytes,
      atLeast: this.#starved ? longest : Math.min(SMALLEST_READ, longest),
      atMost: this.#format.inPlace ? Math.max(encodedLeft, empty ? longest : 0) : this.#scratchBytes,
    })
    this.#roomStart = this.#format.inPlace ? this.#get(word.target) : this.#scratch
    this.#unread = { start: 0, end: 0 }
    return this.#kernel.bytes.subarray(this.#roomStart, this.#roomStart + this.#roomBytes)
  }

  append(chunk: Lines): Appended {
    this.#open()
    if (chunk.length > this.#roomBytes || chunk.from > chunk.length) throw new RangeError('more than the room holds')
    const records = this.records
    const target = this.#get(word.target)
    this.#describe(chunk)
    this.#set(word.source, this.#roomStart + chunk.from)
    this.#set(word.sourceEnd, this.#roomStart + chunk.length)
    this.#set(word.maxLineBytes, Math.min(chunk.origin.maxLineBytes, this.#limits.maxLineBytes))
    this.#set(word.emptyBytes, 0)
    const code = this.#format.encode(this.#kernel)
    const end = this.#get(word.source) - this.#roomStart
    const emptyLineBytes = this.#get(word.emptyBytes)
    const taken = this.records - records
    if (taken > 0) this.#means.add(taken, end - chunk.from - emptyLineBytes, this.#get(word.target) - target)
    this.#starved = code === stop.partial && end === 0 && chunk.length === this.#roomBytes
    this.#unread = { start: this.#roomStart + end, end: this.#roomStart + chunk.length }
    return { end, records: taken, emptyLineBytes, stopped: this.#stopped(code, end) }
  }

  appendLine(line: Uint8Array, context: LineContext): 'taken' | 'full' | 'not-json' {
    this.#open()
    const content = isUtf8(line) ? line : Buffer.from(Buffer.from(line).toString())
    if (this.#format.wantsObjects && content.includes(NEWLINE)) return 'not-json'
    if (content.length > REPAIR_GROWTH * this.#limits.maxLineBytes) throw new RangeError('longer than a line may be')
    const start = this.#format.inPlace ? this.#get(word.target) : Math.max(this.#scratch, this.#unread.end)
    if (this.#format.inPlace && !this.#keepUnread(start + content.length + 1)) return 'full'
    this.#describe(context)
    this.#kernel.bytes.set(content, start)
    this.#kernel.bytes[start + content.length] = NEWLINE
    this.#set(word.source, start)
    this.#set(word.sourceEnd, start + content.length + 1)
    this.#set(word.maxLineBytes, content.length)
    const records = this.records
    const code = this.#format.encodeOne(this.#kernel)
    if (code === stop.full && this.records === records) return 'full'
    return this.records > records ? 'taken' : 'not-json'
  }

  seal(): void {
    this.#open()
    const comma = this.records > 0 ? 1 : 0
    this.#kernel.bytes.set(this.#suffix, this.#get(word.target) - comma)
    this.#sealed = true
  }

  slice(from: number, to: number): readonly Uint8Array[] {
    const { bytes } = this.#kernel
    if (from === 0 && to === this.records) return [bytes.subarray(this.#start, this.#start + this.bytes)]
    const prefix = bytes.subarray(this.#start, this.#start + this.#prefixBytes)
    return [prefix, bytes.subarray(this.#recordStart(from), this.#recordStart(to) - 1), this.#suffix]
  }

  recordLine(index: number): Uint8Array {
    const start = this.#recordStart(index)
    const payload = this.#get((this.#tableStart >> 2) + 2 * index + 1)
    const record = this.#kernel.bytes.subarray(start, this.#recordStart(index + 1) - 1)
    return this.#format.lineOf(record, payload - start)
  }

  reset(): void {
    this.#means.age()
    this.#set(word.target, this.#start + this.#prefixBytes)
    this.#set(word.records, 0)
    this.#unread = { start: 0, end: 0 }
    this.#roomBytes = 0
    this.#starved = false
    this.#sealed = false
  }

  #get(index: number): number {
    return this.#kernel.words[index] ?? 0
  }

  #set(index: number, value: number): void {
    this.#kernel.words[index] = value
  }

  #open(): void {
    if (this.#sealed) throw new Error('the body is sealed')
  }

  #recordStart(index: number): number {
    if (index >= this.records) return this.#get(word.target)
    return this.#get((this.#tableStart >> 2) + 2 * index)
  }

  /** Puts the constants of the origin and the clock where the kernel takes them from. */
  #describe(context: LineContext): void {
    const { bytes } = this.#kernel
    const clock = Buffer.from(String(Math.max(0, Math.trunc(context.readAtMs))))
    bytes.set(clock, this.#partsStart)
    this.#set(word.clock, this.#partsStart)
    this.#set(word.clockBytes, clock.length)
    if (context.origin === this.#origin) return
    const { head, middle, tail } = this.#format.parts(context.origin)
    let at = this.#partsStart + CLOCK_BYTES
    if (CLOCK_BYTES + head.length + middle.length + tail.length + SLACK_BYTES > PARTS_BYTES)
      throw new RangeError('the attributes of an origin are too long')
    for (const [part, index] of [
      [head, word.head],
      [middle, word.middle],
      [tail, word.tail],
    ] as const) {
      bytes.set(part, at)
      this.#set(index, at)
      this.#set(index + 1, part.length)
      at += part.length
    }
    this.#origin = context.origin
  }

  /** Moves the rest of the room behind `end`, so that a line can be put before it. */
  #keepUnread(end: number): boolean {
    const { start, end: restEnd } = this.#unread
    const shift = end - start
    if (start === restEnd || shift <= 0) return true
    if (restEnd + shift > this.#scratch) return false
    this.#kernel.bytes.copyWithin(end, start, restEnd)
    this.#roomStart += shift
    this.#unread = { start: end, end: restEnd + shift }
    return true
  }

  #stopped(code: number, start: number): Appended['stopped'] {
    if (code === stop.partial) return { kind: 'partial' }
    if (code === stop.full) return { kind: 'full' }
    const end = this.#get(word.oddEnd) - this.#roomStart
    const next = this.#get(word.oddNext) - this.#roomStart
    return { kind: 'odd', line: { start, end, next, reason: this.#reason(code, start, end) } }
  }

  #reason(code: number, start: number, end: number): OddLine['reason'] {
    if (code === stop.tooLong) return 'too-long'
    if (code === stop.nul) return 'nul'
    if (code === stop.invalidUtf8) return 'invalid-utf8'
    if (code === stop.glued) return 'glued'
    const line = this.#kernel.bytes.subarray(this.#roomStart + start, this.#roomStart + end)
    return line.indexOf(AUDIT_EVENT_START, 1, 'latin1') > 0 ? 'glued' : 'not-json'
  }
}

/** A copy of the line without the carriage return of its newline. */
export function withoutReturn(line: Buffer): Buffer {
  return Buffer.from(line.at(-1) === RETURN ? line.subarray(0, -1) : line)
}

function aligned(address: number): number {
  return Math.ceil(address / 64) * 64
}
