const STEP = 16 * 1024

/** What a body knows when deciding how much to read next. Sizes are in bytes. */
export interface RoomNeed {
  readonly recordsLeft: number
  readonly encodedLeft: number
  /** Means of the lines seen so far, newline and comma included. */
  readonly meanLineBytes: number
  readonly meanRecordBytes: number
  /** Minimum size, whatever the means say: one line of maximum length if nothing shorter fitted. */
  readonly atLeast: number
  /** Limit by memory or by batch bytes. */
  readonly atMost: number
}

/**
 * Returns how much to read: a little more than the limits of count and bytes will admit, judging by the lines seen. Bytes that
 * are not taken are read again for the next body, so filling all available space would waste reads.
 */
export function roomSize(need: RoomNeed): number {
  const byCount = need.recordsLeft * need.meanLineBytes * 1.1
  const byBytes = (need.encodedLeft / need.meanRecordBytes) * need.meanLineBytes * 1.02
  const wanted = Math.ceil(Math.min(byCount, byBytes) / STEP) * STEP
  return Math.min(Math.max(wanted, need.atLeast), need.atMost)
}

/** Mean sizes of lines and records, weighted towards the last few bodies. */
export class LineMeans {
  #lines = 0
  #lineBytes = 0
  #recordBytes = 0

  add(lines: number, lineBytes: number, recordBytes: number): void {
    this.#lines += lines
    this.#lineBytes += lineBytes
    this.#recordBytes += recordBytes
  }

  /** Halves the weight of everything seen so far. */
  age(): void {
    this.#lines /= 2
    this.#lineBytes /= 2
    this.#recordBytes /= 2
  }

  /** Before any line was seen: 2 KiB is a typical audit event, and a record has up to a quarter more. */
  get lineBytes(): number {
    return this.#lines < 1 ? 2048 : this.#lineBytes / this.#lines
  }

  get recordBytes(): number {
    return this.#lines < 1 ? 2560 : this.#recordBytes / this.#lines
  }
}
