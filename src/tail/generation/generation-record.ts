import type { GenerationRecord } from '../../checkpoint/registry.ts'
import { Generation, type GenerationContext } from './generation.ts'

/** From the registry: unplaced until its content is found. */
export function generationOf(record: GenerationRecord, context: GenerationContext): Generation {
  const generation = new Generation(record, context)
  for (const [destination, position] of Object.entries(record.positions)) {
    if (context.destinations.includes(destination)) generation.cursors.add(destination, position)
    else generation.cursors.keep(destination, position)
  }
  // What was read existed: a shorter file is another one, or was truncated.
  generation.size = Math.max(generation.size, generation.furthest)
  // A destination that was removed and is configured again may be behind the others.
  if (!generation.isSettled) generation.finished = false
  return generation
}

/** For the registry. An archive written over since it was last looked at is not what was seen in it. */
export function recordOf(generation: Generation, nowMs: number): GenerationRecord {
  const { origin, identity } = generation
  const seenAtMs = generation.place && !generation.isArchive ? nowMs : generation.lastSeenMs
  return {
    id: origin.id,
    path: origin.path,
    lastPath: generation.lastPath,
    dev: identity.dev,
    ino: identity.ino,
    birth: identity.birth,
    prefix: generation.head.fingerprint,
    size: generation.size,
    finished: generation.finished,
    seenAt: new Date(seenAtMs).toISOString(),
    ...(generation.archive ? { archive: generation.archive } : {}),
    positions: generation.cursors.records(),
  }
}
