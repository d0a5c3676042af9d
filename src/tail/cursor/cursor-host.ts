import type { Origin } from '../../chunk.ts'
import type { Content } from '../file/content.ts'
import type { Fault } from '../file/files.ts'

/** What a cursor needs from its generation. */
export interface CursorHost {
  readonly origin: Origin
  /** How many bytes are known to be there. */
  readonly size: number
  /** Nothing more will be appended: the last line counts even without its newline. */
  readonly final: boolean
  /** The content for `reader`: each reader inflates an archive separately. */
  content(reader: object): Content | Fault
  /** Notes the first bytes as they were read. Returns false if the content is known to begin with others. */
  begins(chunk: Uint8Array): boolean
  /** Whether the first bytes, and those before every destination's position, are still the ones that were read. */
  isUnchanged(content: Content): boolean | Fault
  /** Keeps the content open while a read is under way. */
  pin(): void
  unpin(): void
  /** There are at least `size` bytes. */
  reached(size: number): void
  failed(fault: Fault): void
  /** The file no longer holds what was read from it: it was truncated, and perhaps rewritten. */
  replaced(): void
  settled(): void
}
