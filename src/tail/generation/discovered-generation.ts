import { hash, randomUUID } from 'node:crypto'
import type { FileFacts } from '../file/files.ts'
import type { Place } from '../file/place.ts'
import { Generation, type GenerationContext } from './generation.ts'

/** The known generations. */
interface Known {
  readonly unplaced: readonly Generation[]
  hasId(id: string): boolean
  ofFile(facts: FileFacts): readonly Generation[]
}

/**
 * Returns the generation to read from a file with unknown content: a known one of which nothing has been read, if it may be
 * in this file, else a new one of the live path `path`. After a crash the same content gets the same id again, and so its
 * batches get theirs; other content never gets it.
 */
export function discoverGeneration(
  place: Place,
  known: Known,
  { path, context }: { readonly path: string; readonly context: GenerationContext },
): Generation {
  const sameFile = known.ofFile(place.facts)
  const unplaced = place.path === path ? [] : known.unplaced
  const blank =
    sameFile.find(isBlank) ?? unplaced.find((generation) => isBlank(generation) && mayHold(place, generation))
  if (blank) return blank
  const isReused = place.facts.birth === '0' || sameFile.length > 0
  const id = idOf(place.facts, isReused ? randomUUID() : '')
  return new Generation({ id: known.hasId(id) ? idOf(place.facts, randomUUID()) : id, path }, context)
}

/**
 * Whether it is still to be read and none of its content is known. History that was passed over does not qualify: new
 * content taken for it would never be read.
 */
function isBlank({ finished, head, furthest }: Generation): boolean {
  return !finished && head.length === 0 && furthest === 0
}

/**
 * Whether a file may hold a generation of which nothing could be read in its former file: as its archive, judging by the
 * name, or as a copy, judging by the length.
 */
function mayHold({ path, facts }: Place, { lastPath, size }: Generation): boolean {
  return path.endsWith('.gz') ? path === `${lastPath}.gz` : facts.size === size
}

/** `salt` distinguishes the id from that of earlier content of the same file. */
function idOf({ dev, ino, birth }: FileFacts, salt: string): string {
  return hash('sha256', `${dev}:${ino}:${birth}:${salt}`, 'hex').slice(0, 16)
}
