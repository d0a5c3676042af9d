import { FINGERPRINT_BYTES } from '../../checkpoint/registry.ts'
import type { Evidence } from '../cursor/proof.ts'
import { Fault, type FileFacts, type Files, readExactly } from '../file/files.ts'
import type { Generation } from '../generation/generation.ts'
import type { Readable } from '../generation/recognition.ts'

/** A file that may hold the content of a generation. */
export interface Candidate extends Readable {
  readonly isArchive: boolean
  /**
   * For an archive, which takes long to inflate: the evidence of each suspect when inflating began. Positions may have
   * moved on since; suspects are judged by what was known then.
   */
  readonly known?: ReadonlyMap<Generation, readonly Evidence[]>
  /** Whether it holds the same bytes as the file `generation` is read from, up to the shorter length. */
  agrees(generation: Generation): boolean | Fault
}

export function plainCandidate(files: Files, fd: number, facts: FileFacts): Candidate {
  const bytes = (position: number, length: number) => readExactly(files, fd, { position, length })
  const { size } = facts
  return { facts, isArchive: false, size, bytes, agrees: (generation) => agrees(generation, { size, bytes }) }
}

/** How many bytes of the beginning and of the end are compared with another file. */
export const COMPARED_BYTES = 4 * FINGERPRINT_BYTES

/**
 * Compares the beginning and the last common bytes. Logs that agree in both are copies: lines written at different times
 * differ.
 */
function agrees(generation: Generation, other: Pick<Readable, 'size' | 'bytes'>): boolean | Fault {
  const facts = generation.look()
  if (facts instanceof Fault) return facts
  const size = Math.min(facts.size, other.size)
  const length = Math.min(size, COMPARED_BYTES)
  for (const position of [0, size - length]) {
    const own = generation.bytes(position, length)
    const others = other.bytes(position, length)
    if (own instanceof Fault) return own
    if (others instanceof Fault) return others
    if (!own || !others?.equals(own)) return false
  }
  return size > 0
}
