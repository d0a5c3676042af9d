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
  /** Keeps the content open while a read is under way. */
  pin(): void
  unpin(): void
  grown(size: number): void
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
  #marker: Fingerprint
  /** The bytes before `position`; undefined until first needed after a restart, when `#marker` stands for them. */
  #tail: Buffer | undefined
  #unreadSinceMs: number | undefined

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

  get isSettled(): boolean {
    return this.#ledger.open === 0 && this.position >= this.#host.size
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
    const content = this.#host.content(this)
    if (content instanceof Fault) return content
    this.#host.pin()
    try {
      return await content.read(into, position)
    } finally {
      this.#host.unpin()
    }
  }

  /** For how long the oldest unsettled byte has been waiting, as far as it was seen to arrive; 0 when all is settled. */
  lagMs(nowMs: number): number {
    if (this.isSettled) return 0
    const sinceMs = this.#ledger.oldest?.sinceMs ?? this.#unreadSinceMs ?? nowMs
    return Math.max(0, nowMs - sinceMs)
  }

  /** The file grew, at the latest at `atMs`. */
  grown(atMs: number): void {
    if (this.#host.size > this.position) this.#unreadSinceMs ??= atMs
  }

  record(): PositionRecord {
    return {
      offset: this.#ledger.watermark,
      marker: this.#marker,
      deadLetteredBytes: this.deadLetteredBytes,
      skippedBytes: { ...this.skippedBytes },
    }
  }

  /** Offers the bytes behind `position` again, for a last line that now counts without its newline. */
  rewind(): void {
    this.readEnd = this.position
  }

  async read(room: Uint8Array): Promise<Chunk | undefined> {
    const host = this.#host
    const content = host.content(this)
    if (content instanceof Fault) return this.#give(() => host.failed(content))
    host.pin()
    let count: number | Fault
    try {
      count = await content.read(room, this.position)
    } finally {
      host.unpin()
    }
    if (count instanceof Fault) {
      const fault = count
      return this.#give(() => host.failed(fault))
    }
    const unchanged = this.#isUnchanged(content)
    if (unchanged instanceof Fault) return this.#give(() => host.failed(unchanged))
    if (!unchanged) return this.#give(() => host.replaced())
    if (count === 0) return this.#give(() => undefined)
    host.grown(this.position + count)
    return this.#chunk(room, count, content)
  }

  /** Whether the bytes before the position still are the ones that were read, as far as there are any. */
  #isUnchanged(content: Content): boolean | Fault {
    const length = this.#tail?.length ?? this.#marker.length
    if (length === 0) return true
    const bytes = content.before(this.position, length)
    if (bytes instanceof Fault) return bytes
    if (this.#tail !== undefined) return bytes?.equals(this.#tail) ?? false
    this.#tail = Buffer.from(bytes ?? [])
    return fingerprint(this.#tail).hash === this.#marker.hash
  }

  /** A look at the content without reading on: for a file that changed without growing. */
  verify(): void {
    const content = this.#host.content(this)
    const unchanged = content instanceof Fault ? content : this.#isUnchanged(content)
    if (unchanged instanceof Fault) this.#host.failed(unchanged)
    else if (!unchanged) this.#host.replaced()
  }

  /** Nothing can be offered now; the file is looked at again when it changes. */
  #give(reason: () => void): undefined {
    this.readEnd = this.#host.size
    reason()
    return undefined
  }

  #chunk(room: Uint8Array, count: number, content: Content): Chunk {
    const host = this.#host
    const start = this.position
    const head = start === 0 ? Buffer.from(room.subarray(0, Math.min(count, FINGERPRINT_BYTES))) : undefined
    let length = count
    // The unterminated last line of a finished file gets its newline here; `take` never counts it as a byte of the file.
    if (host.final && start + count >= host.size && count < room.length && room[count - 1] !== NEWLINE) {
      room[count] = NEWLINE
      length += 1
    }
    return {
      origin: host.origin,
      position: start,
      length,
      readAtMs: Date.now(),
      take: (bytes, skipped) => this.#take({ end: Math.min(start + bytes, host.size), head, content }, skipped),
      leave: (rest) => {
        this.readEnd = rest === 'unread' ? this.position : Math.max(this.position, start + count)
      },
      lineFrom: (offset) => this.#lineFrom(content, { front: start, from: start + offset }),
    }
  }

  #take(taken: { end: number; head: Buffer | undefined; content: Content }, skipped: Skipped | undefined): Part {
    const { end, head, content } = taken
    const tail = content.before(end, Math.min(FINGERPRINT_BYTES, end))
    const unchanged = head ? isStill(content, head) : this.#isUnchanged(content)
    const marked = tail instanceof Fault || unchanged !== true ? undefined : tail
    this.#tail = Buffer.from(marked ?? [])
    const ticket = this.#ledger.take(end, {
      marker: marked ? fingerprint(marked) : NO_FINGERPRINT,
      sinceMs: this.#unreadSinceMs ?? Date.now(),
    })
    if (end >= this.#host.size) this.#unreadSinceMs = undefined
    this.position = end
    this.readEnd = end
    for (const [reason, bytes] of Object.entries(skipped ?? {}) as [SkipReason, number][]) {
      this.skippedBytes[reason] = (this.skippedBytes[reason] ?? 0) + bytes
    }
    if (unchanged === false || tail === undefined) this.#host.replaced()
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

  async #lineFrom(content: Content, at: { front: number; from: number }): Promise<LongLine> {
    const host = this.#host
    host.pin()
    try {
      return await findLine(content, { ...at, final: host.final, keep: host })
    } finally {
      host.unpin()
    }
  }
}

/** Whether the content still begins with `head`. */
function isStill(content: Content, head: Buffer): boolean | Fault {
  const bytes = content.before(head.length, head.length)
  return bytes instanceof Fault ? bytes : (bytes?.equals(head) ?? false)
}
