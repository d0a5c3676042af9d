import { FINGERPRINT_BYTES } from '../checkpoint/registry.ts'
import { Fault, type FileFacts, type Files, readExactly } from './files.ts'
import { fingerprint } from './fingerprint.ts'
import type { Generation } from './generation.ts'
import { isCertainIdentity } from './identity.ts'
import type { Place } from './place.ts'
import type { Evidence } from './proof.ts'

/** A file that may hold the content of a generation. */
export interface Candidate {
  readonly facts: FileFacts
  readonly isArchive: boolean
  /** Of its content, inflated. */
  readonly size: number
  /**
   * Of an archive, which takes long to inflate: what was known of each when that began. Positions may have moved on since;
   * what is older than that is judged as of then.
   */
  readonly known?: ReadonlyMap<Generation, readonly Evidence[]>
  /** The `length` bytes from `position` on; undefined when there are fewer. */
  bytes(position: number, length: number): Buffer | undefined | Fault
  /** Whether it holds the same bytes as the file that `generation` is read from, as far as both go. */
  agrees(generation: Generation): boolean | Fault
}

export function plainCandidate(files: Files, fd: number, facts: FileFacts): Candidate {
  const bytes = (position: number, length: number) => readExactly(files, fd, { position, length })
  const { size } = facts
  return { facts, isArchive: false, size, bytes, agrees: (generation) => agrees(generation, { size, bytes }) }
}

/** Other files may begin alike, but not for so long. */
const PROOF_BYTES = 64 * 1024

/**
 * Whether a file holds the content of a generation. `begins`: it agrees as far as it goes, but ends before what has been
 * seen. `cut`: so it does, and it is no other file that begins alike: a copy that was made before the last lines.
 */
export type Verdict = 'same' | 'cut' | 'begins' | 'other'

/**
 * Judges by stored evidence: the first bytes, and the bytes before the places that were read to. A fault: it cannot be
 * told now.
 *
 * A generation of which nothing is known yet (it was empty) is recognised by the birth of its file only: there is nothing
 * in it that could be lost or repeated.
 */
export function recognise(
  generation: Generation,
  candidate: Pick<Candidate, 'facts' | 'size' | 'bytes'>,
  evidence = generation.cursors.evidence(),
): Verdict | Fault {
  const { head, cursors } = generation
  const { size } = candidate
  if (head.length === 0) return isCertainIdentity(generation.identity, candidate.facts) ? 'same' : 'other'
  if (size === 0 || !cursors.isProvable) return 'other'
  const begin = candidate.bytes(0, Math.min(head.length, size))
  if (begin instanceof Fault) return begin
  const isAlike = head.matches(begin)
  if (isAlike === false) return 'other'
  let proven = isAlike ? 1 : 0
  for (const { offset, marker } of evidence) {
    if (offset > size) continue
    const bytes = candidate.bytes(offset - marker.length, marker.length)
    if (bytes instanceof Fault) return bytes
    if (bytes === undefined || fingerprint(bytes).hash !== marker.hash) return 'other'
    proven = Math.max(proven, offset)
  }
  if (proven === 0) return 'other'
  if (size >= generation.size) return 'same'
  return proven < PROOF_BYTES ? 'begins' : 'cut'
}

/**
 * Whether a file may hold the content of which nothing could be read while it was elsewhere: as its archive, by the name, or as a
 * copy, by the length.
 */
export function mayHold({ path, facts }: Place, { lastPath, size }: Generation): boolean {
  return path.endsWith('.gz') ? path === `${lastPath}.gz` : facts.size === size
}

/** How much of the end, and of the beginning, is compared with another file. */
export const COMPARED_BYTES = 4 * FINGERPRINT_BYTES

/**
 * Compares the beginning and the last common bytes. Logs that agree in both are copies: lines that are written at
 * different times differ.
 */
function agrees(generation: Generation, other: Pick<Candidate, 'size' | 'bytes'>): boolean | Fault {
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
