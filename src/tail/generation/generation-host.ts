import { FINGERPRINT_BYTES } from '../../checkpoint/registry.ts'
import type { Origin } from '../../chunk.ts'
import type { CursorHost } from '../cursor/cursor-host.ts'
import { type Content, isIncomplete } from '../file/content.ts'
import { Fault } from '../file/files.ts'
import { NO_PLACE } from '../file/place.ts'
import type { Generation, GenerationContext } from './generation.ts'
import type { HeldFile } from './held-file.ts'

/** A generation as its cursors see it: what they read, and what a read reveals about it. */
export class GenerationHost implements CursorHost {
  readonly origin: Origin
  readonly #generation: Generation
  readonly #file: HeldFile
  readonly #context: Pick<GenerationContext, 'onChange' | 'onDirty'>

  constructor(generation: Generation, file: HeldFile, context: Pick<GenerationContext, 'onChange' | 'onDirty'>) {
    this.origin = generation.origin
    this.#generation = generation
    this.#file = file
    this.#context = context
  }

  get size(): number {
    return this.#generation.size
  }

  get final(): boolean {
    return this.#generation.final
  }

  content(reader: object): Content | Fault {
    const generation = this.#generation
    if (generation.isReplaced) return NO_PLACE
    const fault = generation.open()
    return fault ?? (generation.isArchive ? this.#file.inflated(reader) : this.#file.plain) ?? NO_PLACE
  }

  begins(chunk: Uint8Array): boolean {
    const generation = this.#generation
    const begin = Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.length, FINGERPRINT_BYTES))
    return generation.isArchive || begin.length <= generation.head.length || generation.learn(begin)
  }

  isUnchanged(content: Content): boolean | Fault {
    if (content.isFixed) return true
    const generation = this.#generation
    const facts = generation.look()
    if (facts instanceof Fault) return facts
    if (facts.size < generation.size && !generation.verify(facts)) return generation.isReplaced ? false : NO_PLACE
    const { head } = generation
    const begin = head.length === 0 ? undefined : content.before(head.length, head.length)
    if (begin instanceof Fault) return begin
    if (head.length > 0 && !head.matches(begin)) return false
    for (const cursor of generation.cursors.values()) {
      const unchanged = cursor.isUnchanged(content)
      if (unchanged !== true) return unchanged
    }
    return true
  }

  pin(): void {
    this.#file.pin()
  }

  unpin(): void {
    this.#file.unpin()
  }

  reached(size: number): void {
    const generation = this.#generation
    if (size > generation.size) generation.grow(size)
    generation.fault = undefined
    this.#file.touch()
  }

  failed(fault: Fault): void {
    const generation = this.#generation
    generation.fault = fault
    if (!generation.place || isIncomplete(fault)) return
    // With a new descriptor the other readers would have to inflate the archive from its beginning again.
    if (generation.isArchive && !generation.isStuck && this.#file.answers) return
    this.#file.renew(generation.place)
  }

  replaced(): void {
    this.#generation.isReplaced = true
    this.#context.onDirty()
  }

  settled(): void {
    this.#context.onChange()
  }
}
