import type { Chunk } from '../../block.ts'

/**
 * A request body under construction and the memory it lives in. It says where the next bytes of a file should be read
 * to, cuts whole lines out of them, and encodes them with as few copies as its format allows. A line is what stands
 * between newlines; a carriage return before the newline belongs to the newline; empty lines are skipped.
 */
export interface Body {
  /**
   * Where to read to; undefined when no useful room is left. What was read stays in place, but for lines already taken,
   * until the next call of `room`, `seal` or `reset`. When a read fills the room and holds no whole line, the next room is
   * larger or the body is full: asking again makes progress.
   */
  room(): Uint8Array | undefined
  /** Encodes whole regular lines from the front of `room[from, length)` until something stops it. */
  append(chunk: Lines): Appended
  /**
   * Encodes one line (no newline) that lies outside the body's memory; what is no UTF-8 in it becomes U+FFFD. An odd line
   * of the room may be copied and given here, also between two calls of `append` on that room. `full`: seal this body and
   * try the next one; an empty body is never full. Throws a RangeError for a line over three times `maxLineBytes`.
   */
  appendLine(line: Uint8Array, labels: LineContext): 'taken' | 'full' | 'not-json'
  /** Only a line that is one JSON object can be a record. */
  readonly wantsObjects: boolean
  readonly records: number
  /** Encoded bytes if sealed now. */
  readonly bytes: number
  /** Closes the list. Afterwards only `slice`, `recordLine` and `reset` are allowed. */
  seal(): void
  /** The sealed body of records `[from, to)`, as pieces to send back to back. The whole body is `slice(0, records)`. */
  slice(from: number, to: number): readonly Uint8Array[]
  /** A copy of the line of record `index`, without its newline (invalid UTF-8 may have become U+FFFD). */
  recordLine(index: number): Uint8Array
  /** Empties the body for its next use. */
  reset(): void
}

/** What a record may need besides its line. */
export type LineContext = Pick<Chunk, 'origin' | 'readAtMs'>

/** Bytes just read to the front of `room()`; `from` is where to begin, for going on behind an odd line. */
export interface Lines extends LineContext {
  readonly from: number
  readonly length: number
  /** Where to end, behind a newline, in place of `length`: what was read behind it may be asked for later. */
  readonly until?: number
}

export interface Appended {
  /** Where in the room it stopped: everything in `[from, end)` is taken or skipped. */
  readonly end: number
  readonly records: number
  /** Bytes of empty lines passed over (the newlines). */
  readonly emptyLineBytes: number
  readonly stopped:
    | { readonly kind: 'partial' } // what is left is no whole line
    | { readonly kind: 'full' } // a limit of count or bytes is reached: seal, go on with another body
    | { readonly kind: 'odd'; readonly line: OddLine } // a line that needs a closer look
}

/**
 * A line this format cannot take as it is: at `[start, end)` of the room, newline excluded, which ends at `next`. With
 * `nul` it is the run of NUL bytes alone, as far as it was read, and `next` is `end`; so it is for a `too-long` line whose
 * newline was not read yet. Going on from `next` is allowed for every line that is complete.
 */
export interface OddLine {
  readonly start: number
  readonly end: number
  readonly next: number
  /**
   * `too-long`: over the origin's maxLineBytes. `nul`: begins with NUL bytes. `not-json`: the format needs a JSON object
   * and this is none. `glued`: an audit event begins again inside the line. `invalid-utf8`: where the format needs UTF-8.
   */
  readonly reason: 'too-long' | 'nul' | 'not-json' | 'glued' | 'invalid-utf8'
}
