import { FINGERPRINT_BYTES, type Fingerprint } from '../../checkpoint/registry.ts'
import { keep } from '../file/files.ts'
import { fingerprint, NO_FINGERPRINT } from '../file/fingerprint.ts'

/** The known first bytes of some content, up to the length of a fingerprint, by which it is recognised. */
export class Head {
  #fingerprint: Fingerprint
  /** The bytes themselves, while something is unread: as many as the fingerprint covers. */
  #bytes: Buffer | undefined

  constructor(recorded: Fingerprint = NO_FINGERPRINT) {
    this.#fingerprint = recorded
  }

  get fingerprint(): Fingerprint {
    return this.#fingerprint
  }

  get length(): number {
    return this.#fingerprint.length
  }

  /** Whether the fingerprint has its full length. */
  get isLong(): boolean {
    return this.length >= FINGERPRINT_BYTES
  }

  /** Returns how many first bytes to read, of content of `size` bytes, to learn more; 0 if there is nothing more to learn. */
  wants(size: number): number {
    const length = Math.min(FINGERPRINT_BYTES, size)
    return length > (this.#bytes?.length ?? 0) ? length : 0
  }

  /** Notes the first bytes. Returns false if they are not those of this content. */
  learn(begin: Buffer): boolean {
    if (this.length > 0 && !this.#isHashOf(begin.subarray(0, this.length))) return false
    this.#bytes = keep(begin)
    if (begin.length > this.length) this.#fingerprint = fingerprint(begin)
    return true
  }

  /**
   * Whether a file that begins with `begin`, which must be no longer than what is known, may hold this content. Undefined
   * if `begin` is shorter and the bytes are not kept: a hash says nothing about fewer bytes than it covers.
   */
  matches(begin: Buffer | undefined, fingerprintOf = fingerprint): boolean | undefined {
    if (begin === undefined) return false
    if (begin.length === this.length) return this.#isHashOf(begin, fingerprintOf)
    return this.#bytes?.subarray(0, begin.length).equals(begin)
  }

  /** The content was cut back to `size` bytes. */
  cut(size: number): void {
    if (size >= this.length) return
    this.#bytes = this.#bytes?.subarray(0, size)
    this.#fingerprint = this.#bytes ? fingerprint(this.#bytes) : NO_FINGERPRINT
  }

  /** Drops the bytes: from now on the hash is enough. */
  forgetBytes(): void {
    this.#bytes = undefined
  }

  #isHashOf(begin: Buffer, fingerprintOf = fingerprint): boolean {
    return fingerprintOf(begin).hash === this.#fingerprint.hash
  }
}
