const STEP = 16 * 1024

/** What a body knows when it has to say how much should be read next. Sizes are bytes. */
export interface RoomNeed {
  readonly recordsLeft: number
  readonly encodedLeft: number
  /** Means of what was seen, newline and comma included. */
  readonly meanLineBytes: number
  readonly meanRecordBytes: number
  /** What the room must hold, whatever the means say: a longest line when nothing shorter fitted. */
  readonly atLeast: number
  /** Where the memory or the limit of bytes ends. */
  readonly atMost: number
}

/**
 * How much to read: what the limits of count and bytes will let in, judged by the lines seen, and a little more. Bytes
 * that are not taken are read again for the next body, so that reading all there is room for would waste reads.
 */
export function roomSize(need: RoomNeed): number {
  const byCount = need.recordsLeft * need.meanLineBytes * 1.1
  const byBytes = (need.encodedLeft / need.meanRecordBytes) * need.meanLineBytes * 1.02
  const wanted = Math.ceil(Math.min(byCount, byBytes) / STEP) * STEP
  return Math.min(Math.max(wanted, need.atLeast), need.atMost)
}

/** Mean sizes of lines and records, the last few bodies counting most. */
export class LineMeans {
  #lines = 0
  #lineBytes = 0
  #recordBytes = 0

  add(lines: number, lineBytes: number, recordBytes: number): void {
    this.#lines += lines
    this.#lineBytes += lineBytes
    this.#recordBytes += recordBytes
  }

  /** Halves the weight of what was seen so far. */
  age(): void {
    this.#lines /= 2
    this.#lineBytes /= 2
    this.#recordBytes /= 2
  }

  /** Until lines were seen: 2 KiB is the usual audit event, and a record has up to a quarter more. */
  get lineBytes(): number {
    return this.#lines < 1 ? 2048 : this.#lineBytes / this.#lines
  }

  get recordBytes(): number {
    return this.#lines < 1 ? 2560 : this.#recordBytes / this.#lines
  }
}
