import type { Chunk } from '../../chunk.ts'

/**
 * A request body under construction and its memory. It says where the next bytes of a file should be read to, cuts whole
 * lines out of them, and encodes them with as few copies as its format allows. A line is what stands between newlines; a
 * carriage return before the newline belongs to the newline; empty lines are skipped.
 */
export interface Body {
  /**
   * Returns where to read to; undefined if no useful room is left. What was read stays in place, except lines already taken,
   * until the next call of `room`, `seal` or `reset`. If a read fills the room without a whole line, the next room is larger
   * or the body is full, so asking again makes progress.
   */
  room(): Uint8Array | undefined
  /** Encodes whole regular lines from the front of `room[from, length)` until something stops it. */
  append(chunk: Lines): Appended
  /**
   * Encodes one line (no newline) from outside the body's memory; invalid UTF-8 becomes U+FFFD. An odd line of the room may
   * be copied and passed here, also between two calls of `append` on that room. `full`: seal this body and try the next one;
   * an empty body is never full. Throws a RangeError for a line over three times `maxLineBytes`. `fileBytes`: how many bytes
   * of the file the line stands for, by default its own and a newline.
   */
  appendLine(line: Uint8Array, labels: LineContext, fileBytes?: number): 'taken' | 'full' | 'not-json'
  /** Whether only a line that is one JSON object can be a record. */
  readonly wantsObjects: boolean
  readonly records: number
  /** Bytes of the encoded body if it were sealed now. */
  readonly bytes: number
  /** Closes the list. After that only `slice`, `recordLine`, `recordBytes` and `reset` are allowed. */
  seal(): void
  /** Returns the sealed body of records `[from, to)`, as pieces to send back to back. `slice(0, records)` is all of it. */
  slice(from: number, to: number): readonly Uint8Array[]
  /** Returns a copy of the line of record `index`, without its newline (invalid UTF-8 may have become U+FFFD). */
  recordLine(index: number): Uint8Array
  /** Returns how many bytes of the file record `index` stands for, its newline included. */
  recordBytes(index: number): number
  /** Empties the body for its next use. */
  reset(): void
}

/** What a record may need besides its line. */
export type LineContext = Pick<Chunk, 'origin' | 'readAtMs'>

/** Bytes just read into the front of `room()`. `from` is where to begin, such as after an odd line. */
export interface Lines extends LineContext {
  readonly from: number
  readonly length: number
  /** Where to end, after a newline, instead of at `length`; a later call may request the bytes after it. */
  readonly until?: number
}

export interface Appended {
  /** Where in the room it stopped: everything in `[from, end)` has been taken or skipped. */
  readonly end: number
  readonly records: number
  /** Bytes of skipped empty lines (their newlines). */
  readonly emptyLineBytes: number
  readonly stopped:
    | { readonly kind: 'partial' } // the rest is not a whole line
    | { readonly kind: 'full' } // a limit of count or bytes is reached: seal, continue with another body
    | { readonly kind: 'odd'; readonly line: OddLine } // a line that needs a closer look
}

/**
 * A line this format cannot take as it is: at `[start, end)` of the room, without its newline, which ends at `next`. For
 * `nul` it is only the run of NUL bytes read so far, and `next` is `end`; likewise for a `too-long` line whose newline has
 * not been read yet. Continuing from `next` is allowed for every complete line.
 */
export interface OddLine {
  readonly start: number
  readonly end: number
  readonly next: number
  /**
   * `too-long`: over the origin's maxLineBytes. `nul`: begins with NUL bytes. `not-json`: not a JSON object, but the format
   * needs one. `glued`: another audit event begins inside the line. `invalid-utf8`: where the format needs UTF-8.
   */
  readonly reason: 'too-long' | 'nul' | 'not-json' | 'glued' | 'invalid-utf8'
}
