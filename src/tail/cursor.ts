import type { Chunk, LongLine, Origin, Part, Skipped, SkipReason } from '../block.ts'
import { createLedger, type Ledger } from '../checkpoint/ledger.ts'
import type { Fingerprint, PositionRecord } from '../checkpoint/registry.ts'
import type { Content } from './content.ts'
import { Fault } from './files.ts'
import { FINGERPRINT_BYTES, fingerprint, NO_FINGERPRINT } from './fingerprint.ts'
import { findLine } from './long-line.ts'

const NEWLINE = 0x0a

/** What a cursor asks of its generation. */
export interface CursorHost {
  readonly origin: Origin
  /** Bytes known to be there. */
  readonly size: number
  /** Nothing will be appended any more: the last line counts also without its newline. */
  readonly final: boolean
  content(cursor: Cursor): Content | Fault
  /** Whether the first bytes still are the ones that were seen first. */
  hasSameHead(content: Content): boolean | Fault
  /** Keeps the content open while a read is under way. */
  pin(): void
  unpin(): void
  /** A read was sound: there are at least `size` bytes. */
  sound(size: number): void
  failed(fault: Fault): void
  /** The file no longer holds what was read from it: truncated, or truncated and written again. */
  replaced(): void
  settled(): void
}

/** What the ledger keeps with a span: how to recognise its end, and since when its bytes wait. */
interface Mark {
  readonly marker: Fingerprint
  readonly sinceMs: number
}

/** A proof of content: these bytes stand before `offset`. */
export interface Evidence {
  readonly offset: number
  readonly marker: Fingerprint
}

/**
 * How far one destination is in one generation.
 *
 * That the file still is what it was is shown by content, not by size: after every read, and before a position is moved
 * on, the bytes before the old position must still be the ones read from there. The check comes after the read it
 * protects. A truncation before the check is seen by it; one after it came after the read, which then was sound.
 */
export class Cursor {
  /** The next byte to offer. */
  position: number
  /** Up to here was looked at; what lies between is no whole line. */
  readEnd: number
  /** Bytes of dead-lettered lines and of what was skipped, over the life of the generation. */
  deadLetteredBytes: number
  readonly skippedBytes: Partial<Record<SkipReason, number>>
  readonly destination: string
  readonly #host: CursorHost
  readonly #ledger: Ledger<Mark>
  /** Of the bytes before the watermark. */
  #marker: Fingerprint
  /** The bytes before `position`; undefined before the first read, when `#marker` stands for them, or if unreadable. */
  #tail: Buffer | undefined
  #unreadSinceMs: number | undefined
  /** A read is under way, or its chunk is with its taker. */
  isOut = false
  /** What was looked at since may look different now. */
  #again = false
  /** Up to here a line was followed that is longer than the chunk, without finding its end. */
  #scannedTo = 0

  constructor(destination: string, host: CursorHost, from: PositionRecord) {
    this.destination = destination
    this.#host = host
    this.position = from.offset
    this.readEnd = from.offset
    this.deadLetteredBytes = from.deadLetteredBytes
    this.skippedBytes = { ...from.skippedBytes }
    this.#marker = from.marker
    this.#ledger = createLedger(from.offset, (_watermark, { marker }) => {
      this.#marker = marker
    })
  }

  /** Everything before is settled (I1). */
  get watermark(): number {
    return this.#ledger.watermark
  }

  get hasUnread(): boolean {
    return this.#host.size > this.readEnd
  }

  /** Where the content ends, as far as it is known. */
  get end(): number {
    return this.#host.size
  }

  /** Nothing will be appended: the last line counts also without its newline. */
  get isFinal(): boolean {
    return this.#host.final
  }

  /** Bytes from anywhere in the content, without a look at the ledger: for who has to see further than his room. */
  async peek(into: Uint8Array, position: number): Promise<number | Fault> {
    const host = this.#host
    const content = host.content(this)
    host.pin()
    try {
      const count = content instanceof Fault ? content : await content.read(into, position)
      if (count instanceof Fault) host.failed(count)
      return count
    } finally {
      host.unpin()
    }
  }

  /** The line that the chunk stops at does not end before `end`: nothing is offered before the file is longer. */
  scanned(end: number): void {
    this.#scannedTo = end
  }

  /** Nothing is under way, neither a read nor a chunk nor a part. */
  get isIdle(): boolean {
    return !this.isOut && this.#ledger.open === 0
  }

  get isSettled(): boolean {
    return this.isIdle && this.position >= this.#host.size
  }

  /** For how long the oldest unsettled byte has been waiting, as far as it was seen to arrive; 0 when all is settled. */
  lagMs(nowMs: number): number {
    if (this.isSettled) return 0
    const sinceMs = this.#ledger.oldest?.sinceMs ?? this.#unreadSinceMs ?? nowMs
    return Math.max(0, nowMs - sinceMs)
  }

  record(): PositionRecord {
    return {
      offset: this.#ledger.watermark,
      marker: this.#marker,
      deadLetteredBytes: this.deadLetteredBytes,
      skippedBytes: { ...this.skippedBytes },
    }
  }

  evidence(): readonly Evidence[] {
    const settled = { offset: this.#ledger.watermark, marker: this.#marker }
    const taken = { offset: this.position, marker: this.#tail ? fingerprint(this.#tail) : NO_FINGERPRINT }
    return [settled, taken].filter(({ marker }) => marker.length > 0)
  }

  /** Offers the bytes behind `position`, written at `atMs` or before: they may be new, readable now, or a whole line. */
  offerAgain(atMs: number): void {
    this.#again = true
    this.readEnd = this.position
    if (this.#host.size > this.position) this.#unreadSinceMs ??= atMs
  }

  async read(room: Uint8Array): Promise<Chunk | undefined> {
    this.isOut = true
    this.#again = false
    this.#scannedTo = 0
    const chunk = await this.#read(room)
    if (!chunk) this.#lookedUpTo(this.#host.size)
    return chunk
  }

  /** Offers nothing before the file changes, when it may be a whole line. */
  #lookedUpTo(end: number): void {
    this.isOut = false
    if (!this.#again) this.readEnd = Math.max(this.position, end, this.#scannedTo)
  }

  async #read(room: Uint8Array): Promise<Chunk | undefined> {
    const host = this.#host
    const content = host.content(this)
    if (content instanceof Fault) return this.#failed(content)
    host.pin()
    try {
      const count = await content.read(room, this.position)
      if (count instanceof Fault) return this.#failed(count)
      const unchanged = this.#isUnchanged(content)
      if (unchanged instanceof Fault) return this.#failed(unchanged)
      if (unchanged) host.sound(this.position + count)
      else host.replaced()
      return unchanged && count > 0 ? this.#chunk(room, count) : undefined
    } finally {
      host.unpin()
    }
  }

  #failed(fault: Fault): undefined {
    this.#host.failed(fault)
    return undefined
  }

  /** Whether the bytes before the position still are the ones that were read, as far as there are any. */
  #isUnchanged(content: Content): boolean | Fault {
    const tail = this.#tail
    const length = tail?.length ?? (this.position === this.watermark ? this.#marker.length : 0)
    if (length === 0) return this.#host.hasSameHead(content)
    const bytes = content.before(this.position, length)
    if (bytes === undefined || bytes instanceof Fault) return bytes ?? false
    if (tail) return bytes.equals(tail)
    if (fingerprint(bytes).hash !== this.#marker.hash) return false
    this.#tail = Buffer.from(bytes)
    return true
  }

  #chunk(room: Uint8Array, count: number): Chunk {
    const host = this.#host
    const start = this.position
    const head = start === 0 ? Buffer.from(room.subarray(0, Math.min(count, FINGERPRINT_BYTES))) : undefined
    // The unterminated last line of a finished file gets its newline here; `take` never counts it as a byte of the file.
    const closed = host.final && start + count >= host.size && count < room.length && room[count - 1] !== NEWLINE
    if (closed) room[count] = NEWLINE
    return {
      origin: host.origin,
      position: start,
      length: closed ? count + 1 : count,
      readAtMs: Date.now(),
      take: (bytes, skipped) => this.#take({ end: start + (closed ? Math.min(bytes, count) : bytes), head }, skipped),
      leave: (rest) => this.#lookedUpTo(rest === 'unread' ? this.position : start + count),
      lineFrom: (offset) => this.#lineFrom({ front: start, from: start + offset }),
    }
  }

  #take({ end, head }: { end: number; head: Buffer | undefined }, skipped: Skipped | undefined): Part {
    const tail = this.#tailAt(end, head)
    const ticket = this.#ledger.take(end, {
      marker: tail ? fingerprint(tail) : NO_FINGERPRINT,
      sinceMs: this.#unreadSinceMs ?? Date.now(),
    })
    this.#tail = tail
    if (end >= this.#host.size) this.#unreadSinceMs = undefined
    this.position = end
    this.readEnd = end
    for (const [reason, bytes] of Object.entries(skipped ?? {}) as [SkipReason, number][]) {
      this.skippedBytes[reason] = (this.skippedBytes[reason] ?? 0) + bytes
    }
    return {
      origin: this.#host.origin,
      span: ticket.span,
      settle: (outcome) => {
        this.deadLetteredBytes += outcome.deadLetteredBytes
        ticket.settle()
        this.#host.settled()
      },
    }
  }

  /** The bytes before `end`, if the file still is the one that the chunk was read from. */
  #tailAt(end: number, head: Buffer | undefined): Buffer | undefined {
    const host = this.#host
    const content = host.content(this)
    if (content instanceof Fault) return undefined
    const tail = content.before(end, Math.min(FINGERPRINT_BYTES, end))
    const begin = head && content.before(head.length, head.length)
    const unchanged = begin instanceof Fault ? begin : head ? begin?.equals(head) : this.#isUnchanged(content)
    if (tail instanceof Fault || unchanged instanceof Fault) return undefined
    if (tail && unchanged) return Buffer.from(tail)
    host.replaced()
    return undefined
  }

  async #lineFrom(at: { front: number; from: number }): Promise<LongLine> {
    const { size, final } = this.#host
    const line = await findLine({ ...at, final, read: (into, position) => this.peek(into, position) })
    if (line.kind === 'partial') this.scanned(size)
    return line
  }
}
