/**
 * The vocabulary shared by tail and ship. Neither imports the other; `agent/` joins them through these types.
 */

/** The byte that ends a line. */
export const NEWLINE = 0x0a

/** A half-open byte range `[start, end)` of one generation of a file. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Record metadata a source puts on every line it yields. */
export interface SourceLabels {
  readonly service: string | undefined
  readonly source: string | undefined
  /** `key:value`, already merged: global, per source, `sourcecategory`. */
  readonly tags: readonly string[]
}

/**
 * Where bytes came from: one generation (the content of one file between its creation and its end, across renames).
 * `id` survives restarts and renames and holds no part of the content.
 */
export interface Origin {
  readonly id: string
  /** The live path the operator knows the file by, even for a rotated generation. */
  readonly path: string
  readonly labels: SourceLabels
  /** Longer lines (newline excluded) are truncated as kube-apiserver does, or dead-lettered. */
  readonly maxLineBytes: number
}

/**
 * Bytes a cursor has just read to the start of the room (buffer) it was given. They may end anywhere: the caller that
 * offered the room extracts whole lines and takes what it used. A chunk is valid until the next read on its cursor.
 */
export interface Chunk {
  readonly origin: Origin
  /** File offset of the room's first byte. */
  readonly position: number
  /** How many bytes of the room hold content. */
  readonly length: number
  /** When the bytes were read, ms since the epoch: the fallback time of a line without its own. */
  readonly readAtMs: number
  /**
   * Moves the cursor past the first `bytes` bytes of the room and opens them in the ledger. They are whole lines, a run of
   * NUL bytes, or a line up to where an event begins in it. Called at most once per chunk. `skipped`: how many of these
   * bytes the taker left out, by reason.
   */
  take(bytes: number, skipped?: Skipped): Part
  /**
   * Must be the last call on a chunk, made once: says what follows the taken bytes. `partial`: examined, not a whole line;
   * `unread`: not examined, to be offered again. Until this call the cursor offers nothing more.
   */
  leave(rest: 'partial' | 'unread'): void
  /** The line that starts at byte `offset` of the room, without its newline; reads beyond the room if necessary. */
  lineFrom(offset: number): Promise<LongLine>
}

/** A line that may be too long for memory. `partial`: its newline is not there yet. */
export type LongLine =
  | { readonly kind: 'partial' }
  | {
      readonly kind: 'line'
      /** Its bytes without the newline. */
      readonly length: number
      /** Bytes from the start of the room through the newline, counted as for `take`. */
      readonly next: number
      /** Yields fewer than `length` bytes if the file no longer holds the line or the signal aborts. */
      pieces(): AsyncIterable<Uint8Array>
    }

/** The unread bytes of all files of one destination, offered file by file, oldest generation first. */
export interface Feed {
  /**
   * Reads the next unread bytes of some file into `room`; resolves with undefined if there are none now. One call at a time.
   * `signal` aborts searches and reads of the chunk's `lineFrom`.
   */
  read(room: Uint8Array, signal?: AbortSignal): Promise<Chunk | undefined>
  /** Resolves when `read` may find something, or when `signal` aborts. */
  ready(signal: AbortSignal): Promise<void>
}

/** Bytes left out of delivery, counted by reason. `truncated`: cut from a line that is delivered without them. */
export type SkipReason = 'empty-line' | 'nul-run' | 'rule' | 'byte-order-mark' | 'truncated'
export type Skipped = Readonly<Partial<Record<SkipReason, number>>>

/** What a batch owes the ledger for one chunk it took: settle exactly once, when delivered or durably dead-lettered. */
export interface Part {
  readonly origin: Origin
  readonly span: Span
  settle(outcome: Settlement): void
}

/** The outcome of a part's bytes, for the account of I4: bytes neither counted here nor skipped were delivered. */
export interface Settlement {
  readonly deadLetteredBytes: number
  /** Cut from records that the destination found too large. */
  readonly truncatedBytes: number
}
