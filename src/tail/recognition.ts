import { Fault, type FileFacts, type Files, readExactly } from './files.ts'
import { fingerprint } from './fingerprint.ts'
import type { FileIdentity, Generation } from './generation.ts'

/** A file that may be the present home of a generation. */
export interface Candidate {
  readonly facts: FileFacts
  /** The `length` bytes from `position` on, undefined when there are fewer. */
  bytes(position: number, length: number): Buffer | undefined
}

export function plainCandidate(files: Files, fd: number, facts: FileFacts): Candidate {
  return { facts, bytes: (position, length) => readExactly(files, fd, { position, length }) }
}

export function isIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.birth === b.birth
}

/**
 * Whether a file holds the content of a generation, at least up to where every destination is in it. `same`: yes.
 * `other`: no. `young`: it agrees so far but is shorter than what was read, as a copy still being written is.
 *
 * A generation of which nothing is known yet (it was empty) is recognised by the file's own identity only.
 */
export function recognise(generation: Generation, candidate: Candidate): 'same' | 'other' | 'young' {
  const { prefix } = generation
  if (prefix.length === 0) return isIdentity(generation.identity, candidate.facts) ? 'same' : 'other'
  const { size } = candidate.facts
  if (size === 0) return 'other'
  if (size < prefix.length) {
    const begin = generation.head(size)
    return begin && !candidate.bytes(0, size)?.equals(begin) ? 'other' : 'young'
  }
  const head = candidate.bytes(0, prefix.length)
  if (!head || fingerprint(head).hash !== prefix.hash) return 'other'
  let verdict: 'same' | 'young' = 'same'
  for (const cursor of generation.cursors.values()) {
    if (cursor.position > size) verdict = 'young'
    const { offset, marker } = cursor.record()
    if (marker.length === 0 || offset > size) continue
    const bytes = candidate.bytes(offset - marker.length, marker.length)
    if (!bytes || fingerprint(bytes).hash !== marker.hash) return 'other'
  }
  return verdict
}

/** Opens a file long enough for `look`. */
export function withFile<T>(files: Files, path: string, look: (fd: number, facts: FileFacts) => T): T | Fault {
  const fd = files.open(path)
  if (fd instanceof Fault) return fd
  try {
    const facts = files.facts(fd)
    return facts instanceof Fault ? facts : look(fd, facts)
  } finally {
    files.close(fd)
  }
}
