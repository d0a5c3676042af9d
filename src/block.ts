/**
 * The words tail and ship share. Neither imports the other; `agent.ts` joins them through these shapes.
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
  /** The live path the operator knows the file by, also for a rotated generation. */
  readonly path: string
  readonly labels: SourceLabels
  /** Longer lines (newline excluded) are truncated as kube-apiserver truncates, or dead-lettered. */
  readonly maxLineBytes: number
}

/**
 * Bytes a cursor has just read to the front of the room it was given. They end anywhere: whole lines are cut out by
 * whoever offered the room, which then takes what it used. A chunk is valid until the next read on its cursor.
 */
export interface Chunk {
  readonly origin: Origin
  /** Where in the file the room's front lies. */
  readonly position: number
  /** How many bytes of the room hold content. */
  readonly length: number
  /** When the bytes were read, ms since the epoch: the fallback time of a line without its own. */
  readonly readAtMs: number
  /**
   * Moves the cursor behind the first `bytes` bytes of the room (whole lines, or a run of NUL bytes) and opens them in
   * the ledger. Called at most once per chunk. `skipped` says which of these bytes the taker left out, by reason.
   */
  take(bytes: number, skipped?: Skipped): Part
  /**
   * Says, once and last, what is left behind the taken bytes: `partial`: looked at and no whole line; `unread`: not
   * looked at, offer it again. Without it the cursor offers nothing more.
   */
  leave(rest: 'partial' | 'unread'): void
  /** The bytes of the file from byte `offset` of the room on, beyond the room if need be, up to and without the newline. */
  lineFrom(offset: number): Promise<LongLine>
}

/** A line that may be too long for memory. `partial`: its newline is not there yet. */
export type LongLine =
  | { readonly kind: 'partial' }
  | {
      readonly kind: 'line'
      /** Its bytes without the newline. */
      readonly length: number
      /** How many bytes of the file, counted from the room's front, reach behind the newline. */
      readonly next: number
      /** Together less than `length` when the file does not hold the line any more, or the signal came first. */
      pieces(): AsyncIterable<Uint8Array>
    }

/** The unread bytes of all files of one destination, offered file by file, oldest generation first. */
export interface Feed {
  /**
   * Reads the next unread bytes of some file into `room`; undefined when there are none now. One call at a time. `signal`
   * ends what `lineFrom` of the chunk looks for or reads.
   */
  read(room: Uint8Array, signal?: AbortSignal): Promise<Chunk | undefined>
  /** Resolves when `read` may find something, or when `signal` aborts. */
  ready(signal: AbortSignal): Promise<void>
}

/** Bytes left out of delivery, by counted reason. `truncated`: what was cut out of a line that is delivered without it. */
export type SkipReason = 'empty-line' | 'nul-run' | 'rule' | 'byte-order-mark' | 'truncated'
export type Skipped = Readonly<Partial<Record<SkipReason, number>>>

/** What a batch owes the ledger for one chunk it took: settle exactly once, when delivered or durably dead-lettered. */
export interface Part {
  readonly origin: Origin
  readonly span: Span
  settle(outcome: Settlement): void
}

/** How bytes of a part ended, for the account of I4: what is not counted here and was not skipped is delivered. */
export interface Settlement {
  readonly deadLetteredBytes: number
  /** Cut out of records because the destination found them too large. */
  readonly truncatedBytes: number
}
