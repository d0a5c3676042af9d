import type { Fingerprint } from '../../checkpoint/registry.ts'
import type { Cursors } from '../cursor/cursors.ts'
import type { Evidence } from '../cursor/proof.ts'
import { Fault, type FileFacts } from '../file/files.ts'
import { fingerprint } from '../file/fingerprint.ts'
import { type FileIdentity, isCertainIdentity } from '../file/identity.ts'
import type { Head } from './head.ts'

/** What is known of a generation's content. */
interface Known {
  readonly head: Head
  readonly size: number
  readonly finished: boolean
  /** Identity of the file it was last seen in. */
  readonly identity: FileIdentity
  readonly cursors: Pick<Cursors, 'isProvable' | 'evidence'>
}

/** What recognition needs from a file. */
export interface Readable {
  readonly facts: FileFacts
  /** Size of its content, inflated. */
  readonly size: number
  /** Returns the `length` bytes from `position` on; undefined if there are fewer. */
  bytes(position: number, length: number): Buffer | undefined | Fault
  /** Returns the fingerprint of its first bytes; given where they are compared with those of thousands of generations. */
  readonly fingerprintOf?: (begin: Uint8Array) => Fingerprint
}

/** Other files may begin alike, but not for this long. */
const PROOF_BYTES = 64 * 1024

/**
 * Whether a file holds the content of a generation. `begins`: it agrees as far as it goes, but ends before what has been
 * seen. `cut`: likewise, but too long to merely begin alike: a copy that was made before the last lines.
 */
export type Verdict = 'same' | 'cut' | 'begins' | 'other'

/**
 * Judges by stored evidence: the first bytes, and the bytes before each offset up to which content was read. Returns a
 * fault if this is undecidable now.
 */
export function recognise(known: Known, candidate: Readable, evidence?: readonly Evidence[]): Verdict | Fault {
  const { head, cursors } = known
  const { size } = candidate
  if (head.length === 0) return recogniseHeadless(known, candidate, evidence)
  if (size === 0) return 'other'
  const begin = candidate.bytes(0, Math.min(head.length, size))
  if (begin instanceof Fault) return begin
  const isAlike = head.matches(begin, candidate.fingerprintOf)
  if (isAlike === false || !cursors.isProvable) return 'other'
  const proven = provenBy(evidence ?? cursors.evidence(), candidate)
  if (proven === undefined || proven instanceof Fault) return proven ?? 'other'
  if (proven === 0 && !isAlike) return 'other'
  if (size >= known.size) return 'same'
  return proven < PROOF_BYTES ? 'begins' : 'cut'
}

/**
 * A generation whose first bytes are unknown is recognised by the birth time of its file. If it was empty, nothing in it can
 * be lost or repeated; otherwise the evidence of what was read, or passed over, must match, too. A finished one that was not
 * empty must have such evidence.
 */
function recogniseHeadless(
  { identity, cursors, finished, size }: Known,
  candidate: Readable,
  evidence?: readonly Evidence[],
): Verdict | Fault {
  if (!isCertainIdentity(identity, candidate.facts)) return 'other'
  const places = evidence ?? cursors.evidence()
  if (places.length === 0) return finished && size > 0 ? 'other' : 'same'
  const proven = provenBy(places, candidate)
  if (proven instanceof Fault) return proven
  return proven ? 'same' : 'other'
}

/**
 * Returns the offset up to which the evidence, as far as the file reaches, proves the same content; undefined if it
 * disproves it.
 */
function provenBy(evidence: readonly Evidence[], candidate: Readable): number | undefined | Fault {
  let proven = 0
  for (const { offset, marker } of evidence) {
    if (offset > candidate.size) continue
    const bytes = candidate.bytes(offset - marker.length, marker.length)
    if (bytes instanceof Fault) return bytes
    if (bytes === undefined || fingerprint(bytes).hash !== marker.hash) return undefined
    proven = Math.max(proven, offset)
  }
  return proven
}
