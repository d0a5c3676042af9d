import type { Origin } from '../block.ts'
import type { Content } from './content.ts'
import type { Fault } from './files.ts'

/** What a cursor asks of its generation. */
export interface CursorHost {
  readonly origin: Origin
  /** Bytes known to be there. */
  readonly size: number
  /** Nothing will be appended any more: the last line counts also without its newline. */
  readonly final: boolean
  /** What `reader` reads: each inflates an archive for itself. */
  content(reader: object): Content | Fault
  /** Takes note of the first bytes, as they were read; false when the content begins with others. */
  begins(chunk: Uint8Array): boolean
  /** Whether the first bytes, and those before every destination's position, still are the ones that were read. */
  isUnchanged(content: Content): boolean | Fault
  /** Keeps the content open while a read is under way. */
  pin(): void
  unpin(): void
  /** There are at least `size` bytes. */
  reached(size: number): void
  failed(fault: Fault): void
  /** The file no longer holds what was read from it: truncated, or truncated and written again. */
  replaced(): void
  settled(): void
}
