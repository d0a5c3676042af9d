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
 * The generation to read from a file with unknown content: one of which nothing was read yet, if it may be in this file,
 * else a new one of the live path `path`. After a crash the same content gets the same id again, and so do its batches;
 * other content never does.
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

/** Still to be read, with unknown content. History that was passed over does not qualify: it would never be read. */
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

/** `salt` distinguishes it from earlier content of the same file. */
function idOf({ dev, ino, birth }: FileFacts, salt: string): string {
  return hash('sha256', `${dev}:${ino}:${birth}:${salt}`, 'hex').slice(0, 16)
}
