/** Tracks since when bytes that one destination has not taken have been waiting, as far as their arrival was seen. */
export class Arrival {
  #sinceMs: number | undefined
  /** When the file was last seen to be written to. */
  #writtenAtMs: number | undefined

  /** Undefined if no bytes are waiting, or if the time is unknown. */
  get sinceMs(): number | undefined {
    return this.#sinceMs
  }

  /** The file was written to at `atMs` or earlier; `hasMore`: there are bytes not yet taken. */
  write(atMs: number, hasMore: boolean): void {
    this.#writtenAtMs = atMs
    if (hasMore) this.#sinceMs ??= atMs
  }

  /**
   * The bytes up to `end` were taken; the file was read up to `readEnd` and ends at `size`. If all of it was read, what is
   * left arrived with the last write.
   */
  take(end: number, readEnd: number, size: number): void {
    if (Math.max(end, readEnd) >= size) this.#sinceMs = end >= size ? undefined : this.#writtenAtMs
  }
}
