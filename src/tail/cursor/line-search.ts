import type { Fault } from '../file/files.ts'
import { type FoundLine, findLine, type LineEnds } from './long-line.ts'
import type { Seen } from './proof.ts'

/** What the search needs from the content. */
interface Searched {
  read(into: Uint8Array, position: number): Promise<number | Fault>
  /** Returns the `length` bytes before `position`; undefined if they are not there. */
  before(position: number, length: number): Buffer | undefined | Fault
  /** Whether `position` is the final end of the content. */
  endsAt(position: number): boolean
}

/** Positions of a chunk and of a line in it, and how lines end. */
export interface LineAt {
  readonly front: number
  readonly from: number
  readonly code?: LineEnds | undefined
}

/**
 * Searches for the end of a line repeatedly while the line grows, perhaps for hours. What was searched before is not read
 * again: only its last bytes are checked, after the read that continues from there, to see whether it is still there. If
 * not, the line may by now end in the middle of what was searched.
 */
export class LineSearch {
  readonly #content: Searched
  /** Where the unfinished line begins, and the last bytes seen of it. */
  #open: { readonly from: number; readonly seen: Seen } | undefined

  constructor(content: Searched) {
    this.#content = content
  }

  async find(at: LineAt, signal?: AbortSignal): Promise<FoundLine> {
    const known = this.#open?.from === at.from ? this.#open.seen : undefined
    this.#open = undefined
    const { read, endsAt } = this.#content
    const line = await findLine({ ...at, seen: known, endsAt, read }, signal)
    if (known && !this.#holds(known)) return this.find(at, signal)
    if (line.kind === 'partial') this.#open = { from: at.from, seen: line.seen }
    return line
  }

  /** Must be called when the content has been seen to end at `size`. */
  endAt(size: number): void {
    if (this.#open && size < this.#open.seen.end) this.#open = undefined
  }

  #holds({ end, bytes }: Seen): boolean {
    const found = this.#content.before(end, bytes.length)
    return Buffer.isBuffer(found) && found.equals(bytes)
  }
}
