/** Since when bytes wait that one destination has not taken, as far as they were seen to arrive. */
export class Arrival {
  #sinceMs: number | undefined
  /** When the file was last seen to be written to. */
  #writtenAtMs: number | undefined

  /** Undefined when there are none, or when it is not known. */
  get sinceMs(): number | undefined {
    return this.#sinceMs
  }

  /** The file was written to at `atMs` or before; `hasMore`: there are bytes that were not taken. */
  write(atMs: number, hasMore: boolean): void {
    this.#writtenAtMs = atMs
    if (hasMore) this.#sinceMs ??= atMs
  }

  /**
   * Bytes up to `end` are taken, of those that were read up to `readEnd` and are there up to `size`. Where all were read, those
   * that are left came last.
   */
  take(end: number, readEnd: number, size: number): void {
    if (Math.max(end, readEnd) >= size) this.#sinceMs = end >= size ? undefined : this.#writtenAtMs
  }
}
