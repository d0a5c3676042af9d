import { FINGERPRINT_BYTES, type PositionRecord } from '../../checkpoint/registry.ts'
import { type Chunk, type LongLine, NEWLINE, type Part, type Settlement, type Skipped } from '../../chunk.ts'
import type { Content } from '../file/content.ts'
import { Fault } from '../file/files.ts'
import { Arrival } from './arrival.ts'
import type { CursorHost } from './cursor-host.ts'
import { type LineAt, LineSearch } from './line-search.ts'
import type { LineEnds } from './long-line.ts'
import { type Evidence, Proof, type Seen } from './proof.ts'
import { type Mark, Taken } from './taken.ts'

const NOT_ENDED = { deadLetteredBytes: 0, truncatedBytes: 0 }

/** How to follow a line that extends beyond the chunk. */
export interface Following {
  /** UTF-8 if omitted. */
  readonly code?: LineEnds
  /** Aborts the search for its end. */
  readonly signal?: AbortSignal | undefined
}

/**
 * One destination's position in one generation.
 *
 * Content, not size, proves that the file is unchanged: after every read, and before the position advances, the bytes
 * before the old position must still be the ones read from there. The check comes after the read that it protects: it
 * detects any truncation before itself, and a later truncation also came after the read, which was therefore sound.
 */
export class Cursor {
  /** The next byte to offer. */
  position: number
  /** Examined up to here: there is no whole line between `position` and here. */
  readEnd: number
  readonly destination: string
  readonly #host: CursorHost
  readonly #taken: Taken
  readonly #proof: Proof
  readonly #arrival = new Arrival()
  /** A read is under way, or its chunk is still with its taker. */
  isOut = false
  /** The last read failed and is to be retried. */
  hasFailed = false
  /** Offered again since the read began: what it examined may have changed. */
  #again = false
  /** A line longer than the chunk was followed up to here without finding its end: nothing is offered until the file grows. */
  #scannedTo = 0
  readonly #search: LineSearch

  constructor(destination: string, host: CursorHost, from: PositionRecord) {
    this.destination = destination
    this.#host = host
    this.position = from.offset
    this.readEnd = from.offset
    this.#taken = new Taken(from)
    this.#proof = new Proof(from)
    this.#search = new LineSearch({
      read: (into, position) => this.#peek(into, position),
      before: (position, length) => this.#before(position, length),
      endsAt: (position) => this.endsAt(position),
    })
  }

  get hasUnread(): boolean {
    return this.#host.size > this.readEnd
  }

  /** The known end of the content. */
  get end(): number {
    return this.#host.size
  }

  /** Whether `position` is the final end of the content: the last line then counts even without its newline. */
  endsAt(position: number): boolean {
    return this.#host.final && position === this.#host.size
  }

  /** No read, chunk or part is outstanding. */
  get isIdle(): boolean {
    return !this.isOut && this.#taken.isSettled
  }

  get isSettled(): boolean {
    return this.isIdle && this.position >= this.#host.size
  }

  /** Returns how long the oldest unsettled byte has been waiting, as far as its arrival was seen; 0 if all is settled. */
  lagMs(nowMs: number): number {
    if (this.isSettled) return 0
    const sinceMs = this.#taken.sinceMs ?? this.#arrival.sinceMs ?? nowMs
    return Math.max(0, nowMs - sinceMs)
  }

  record(): PositionRecord {
    return this.#taken.record
  }

  get isProvable(): boolean {
    return this.#proof.isProvable
  }

  evidence(): readonly Evidence[] {
    return [this.#taken.record, ...this.#proof.evidence()].filter(({ marker }) => marker.length > 0)
  }

  /** Offers the bytes after `position`, written at `atMs` or earlier: they may be new, readable now, or a whole line by now. */
  offerAgain(atMs: number): void {
    this.#again = true
    this.readEnd = this.position
    this.#search.endAt(this.#host.size)
    this.#arrival.write(atMs, this.#host.size > this.position)
  }

  async read(room: Uint8Array, following: Following = {}): Promise<Chunk | undefined> {
    this.isOut = true
    this.hasFailed = false
    this.#again = false
    this.#scannedTo = 0
    const chunk = await this.#read(room, following)
    if (!chunk) this.#lookedUpTo(this.#host.size)
    return chunk
  }

  /** Offers nothing until the file changes, when there may be a whole line. */
  #lookedUpTo(end: number): void {
    this.isOut = false
    this.#proof.release()
    if (!this.#again) this.readEnd = Math.max(this.position, end, this.#scannedTo)
  }

  async #read(room: Uint8Array, following: Following): Promise<Chunk | undefined> {
    const host = this.#host
    const content = host.content(this)
    if (content instanceof Fault) return this.#failed(content)
    host.pin()
    try {
      const count = await content.read(room, this.position)
      if (count instanceof Fault) return this.#failed(count)
      // The content is identified by the bytes just read: the file may already have been truncated and rewritten.
      const isOwn = this.position > 0 || host.begins(room.subarray(0, count))
      const unchanged = isOwn && host.isUnchanged(content)
      if (unchanged instanceof Fault) return this.#failed(unchanged)
      if (unchanged) host.reached(this.position + count)
      else host.replaced()
      return unchanged && count > 0 ? this.#chunk(room, count, following) : undefined
    } finally {
      host.unpin()
    }
  }

  /** Reads from anywhere in the content, leaving position and ledger alone. */
  async #peek(into: Uint8Array, position: number): Promise<number | Fault> {
    const host = this.#host
    const content = host.content(this)
    host.pin()
    try {
      const count = content instanceof Fault ? content : await content.read(into, position)
      if (count instanceof Fault) this.#failed(count)
      return count
    } finally {
      host.unpin()
    }
  }

  #failed(fault: Fault): undefined {
    this.hasFailed = true
    this.#host.failed(fault)
    return undefined
  }

  /** Whether the bytes before the position, if any, are still the ones that were read. */
  isUnchanged(content: Content): boolean | Fault {
    return this.#proof.isUnchanged(content)
  }

  #chunk(room: Uint8Array, count: number, { code, signal }: Following): Chunk {
    const host = this.#host
    const start = this.position
    const seen = this.#proof.see(room.subarray(0, count), start + count)
    // The unterminated last line of a finished file gets its newline here; `take` never counts it as a byte of the file.
    const closed = host.final && start + count >= host.size && count < room.length && room[count - 1] !== NEWLINE
    if (closed) room[count] = NEWLINE
    return {
      origin: host.origin,
      position: start,
      length: closed ? count + 1 : count,
      readAtMs: Date.now(),
      take: (bytes, skipped) => this.#take({ end: start + (closed ? Math.min(bytes, count) : bytes), seen }, skipped),
      leave: (rest) => {
        // A full room has no space for that newline: the rest is offered again, but only after a take; otherwise the next
        // read would be the same.
        const isUnended = !closed && this.position > start && this.endsAt(start + count)
        this.#lookedUpTo(rest === 'unread' || isUnended ? this.position : start + count)
      },
      lineFrom: (offset) => this.#lineFrom({ front: start, from: start + offset, code }, seen, signal),
    }
  }

  #take({ end, seen }: { end: number; seen: Seen }, skipped: Skipped = {}): Part {
    const marker = this.#proof.moveTo(end, seen, this.#tailAt(end, seen))
    const sinceMs = this.#arrival.sinceMs ?? Date.now()
    const mark: Mark = { length: end - this.position, marker, sinceMs, skipped, ...NOT_ENDED }
    const ticket = this.#taken.take(end, mark)
    this.position = end
    this.readEnd = end
    this.#host.reached(end)
    this.#arrival.take(end, seen.end, this.#host.size)
    return {
      origin: this.#host.origin,
      span: ticket.span,
      settle: ({ deadLetteredBytes, truncatedBytes }: Settlement) => {
        Object.assign(mark, { deadLetteredBytes, truncatedBytes })
        ticket.settle()
        this.#host.settled()
      },
    }
  }

  /** Returns the bytes before `end` in the file; undefined unless it is still the one that was read. */
  #tailAt(end: number, seen: Seen): Buffer | undefined {
    const content = this.#host.content(this)
    if (content instanceof Fault || !this.#isStill(content, seen)) return undefined
    const tail = content.before(end, Math.min(FINGERPRINT_BYTES, end))
    return tail instanceof Fault ? undefined : tail
  }

  #before(position: number, length: number): Buffer | undefined | Fault {
    const content = this.#host.content(this)
    return content instanceof Fault ? content : content.before(position, length)
  }

  /** Whether the content is unchanged since the chunk that ended with `seen` was read. */
  #isStill(content: Content, seen: Seen): boolean {
    if (content.isFixed) return true
    const bytes = content.before(seen.end, seen.bytes.length)
    const isThere = bytes instanceof Fault ? bytes : bytes?.equals(seen.bytes)
    const unchanged = isThere === true ? this.#host.isUnchanged(content) : (isThere ?? false)
    if (unchanged instanceof Fault) this.#failed(unchanged)
    else if (!unchanged) this.#host.replaced()
    return unchanged === true
  }

  async #lineFrom(at: LineAt, seen: Seen, signal?: AbortSignal): Promise<LongLine> {
    const { size } = this.#host
    const line = await this.#search.find(at, signal)
    if (line.kind === 'partial') this.#scannedTo = size
    const content = this.#host.content(this)
    if (content instanceof Fault) this.#failed(content)
    else if (this.#isStill(content, seen) && line.kind === 'line') return line
    return { kind: 'partial' }
  }
}
