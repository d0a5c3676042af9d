import { FINGERPRINT_BYTES, type Fingerprint, type PositionRecord } from '../../checkpoint/registry.ts'
import type { Content } from '../file/content.ts'
import { Fault, keep } from '../file/files.ts'
import { fingerprint, NO_FINGERPRINT } from '../file/fingerprint.ts'

/** Evidence of content: the bytes just before `offset` match `marker`. */
export interface Evidence {
  readonly offset: number
  readonly marker: Fingerprint
}

/** The last bytes of a chunk as they were read, and where they end. */
export interface Seen {
  readonly end: number
  readonly bytes: Buffer
}

function evidenceOf({ end, bytes }: Seen): Evidence {
  return { offset: end, marker: fingerprint(bytes) }
}

const MILESTONE_BYTES = 64 * 1024

/** What is remembered of the bytes that one destination has read, to tell whether a file still holds them. */
export class Proof {
  #position: number
  /** Fingerprint of the bytes before the position, while that is the recorded one. */
  #recorded: Fingerprint
  /** The bytes before the position; undefined before the first read, or if they could not be re-read. */
  #tail: Buffer | undefined
  /**
   * The proof instead of `#tail`, if that could not be re-read at `take` (changed or unreadable file): the end of the
   * chunk.
   */
  #ahead: Evidence | undefined
  /** Evidence some way back, to recognise a copy that lacks the last lines. */
  #milestones: readonly Evidence[] = []
  /** The end of a chunk that was read and is still with its taker. */
  #inHand: Seen | undefined

  constructor({ offset, marker }: Pick<PositionRecord, 'offset' | 'marker'>) {
    this.#position = offset
    this.#recorded = marker
  }

  /** Whether there is evidence of what was read; content without any is read again. */
  get isProvable(): boolean {
    return this.#position === 0 || Boolean(this.#tail ?? this.#ahead) || this.#recorded.length > 0
  }

  evidence(): readonly Evidence[] {
    const taken = { offset: this.#position, marker: this.#tail ? fingerprint(this.#tail) : NO_FINGERPRINT }
    const ahead = this.#ahead ? [this.#ahead] : []
    return [...this.#milestones, taken, ...ahead, ...(this.#inHand ? [evidenceOf(this.#inHand)] : [])]
  }

  /** Whether the bytes before the position are the ones that were read, or recorded before the first read. */
  isUnchanged(content: Content): boolean | Fault {
    if (this.#ahead) return this.#isUnchangedBefore(this.#ahead, content)
    const tail = this.#tail
    const length = tail?.length ?? this.#recorded.length
    if (length === 0) return true
    const bytes = content.before(this.#position, length)
    if (bytes === undefined || bytes instanceof Fault) return bytes ?? false
    if (tail) return bytes.equals(tail)
    if (fingerprint(bytes).hash !== this.#recorded.hash) return false
    this.#tail = keep(bytes)
    return true
  }

  /**
   * Re-reads the bytes before the position. The evidence ahead, checked after them, proves that they are from the same
   * file.
   */
  #isUnchangedBefore({ offset, marker }: Evidence, content: Content): boolean | Fault {
    const tail = content.before(this.#position, Math.min(FINGERPRINT_BYTES, this.#position))
    const bytes = content.before(offset, marker.length)
    if (tail instanceof Fault) return tail
    if (bytes instanceof Fault) return bytes
    const isSame = tail !== undefined && bytes !== undefined && fingerprint(bytes).hash === marker.hash
    // Content that ends before that evidence cannot be proven any more and is read again.
    if (isSame || bytes === undefined) this.#ahead = undefined
    if (isSame) this.#tail = keep(tail)
    return isSame
  }

  /** Notes that a chunk ending at `end` was read. Returns its last bytes, preceded by the tail if they are the whole chunk. */
  see(chunk: Uint8Array, end: number): Seen {
    const last = chunk.subarray(Math.max(0, chunk.length - FINGERPRINT_BYTES))
    const before = last.length === chunk.length && this.#tail ? [this.#tail] : []
    this.#inHand = { end, bytes: Buffer.concat([...before, last]) }
    return this.#inHand
  }

  /** The chunk is no longer with its taker. */
  release(): void {
    this.#inHand = undefined
  }

  /**
   * Moves the position on to `end`, within what was `seen`, and returns the fingerprint of the bytes before it. `tail`:
   * those bytes, if the file is still the one that was read.
   */
  moveTo(end: number, seen: Seen, tail: Buffer | undefined): Fingerprint {
    const bytes = tail ?? before(end, seen)
    this.#position = end
    this.#recorded = NO_FINGERPRINT
    this.#tail = bytes && keep(bytes)
    const marker = this.#tail ? fingerprint(this.#tail) : NO_FINGERPRINT
    this.#ahead = this.#tail ? undefined : evidenceOf(seen)
    const [older, newer] = this.#milestones
    const last = newer ?? older
    if (end - (last?.offset ?? 0) >= MILESTONE_BYTES) {
      this.#milestones = [...(last ? [last] : []), { offset: end, marker }]
    }
    return marker
  }
}

/** Returns the bytes before `end`, as far as they were seen and a fingerprint covers them. */
function before(end: number, { end: seenEnd, bytes }: Seen): Buffer | undefined {
  const from = seenEnd - bytes.length
  if (end <= from || end > seenEnd) return undefined
  return bytes.subarray(Math.max(0, end - from - FINGERPRINT_BYTES), end - from)
}
