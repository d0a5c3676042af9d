import type { GenerationRecord } from '../../checkpoint/registry.ts'
import { Generation, type GenerationContext } from './generation.ts'

/** Restores a generation from the registry. It is unplaced until its content is found. */
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

/**
 * Returns its record for the registry. An archive counts as seen when it was last looked at, not now: if it was written
 * over since, it no longer holds what was seen.
 */
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
