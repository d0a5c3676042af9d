import { Fault } from './files.ts'
import type { Generation } from './generation.ts'
import type { Generations } from './generations.ts'

/** A file seen alive so lately is not finished, however quiet it is. */
const ALIVE_MS = 60_000

/** Offers the last line of what was rotated and is quiet also without a newline, and is done with what is settled then. */
export function finishRotated(generations: Generations): void {
  for (const generation of generations.reading) {
    if (!generation.rotated || generation.isReplaced) continue
    const isQuiet = performance.now() - generation.changedAtMs >= quietMs(generations, generation)
    if (!generation.final && isQuiet && !isAlive(generation)) generation.finalise()
    if (!generation.final || !generation.isSettled || !generation.verify()) continue
    if (isHeld(generations, generation)) continue
    generation.finish()
    generations.insert(generation)
  }
}

/**
 * While nothing is at the live path what only looks rotated may be what is written to, as `app-2026-11-20.log` or
 * `tomcat.8080`: half of a line that it ends with is waited for longer.
 */
function quietMs({ live, options }: Generations, { wasLive, isSettled }: Generation): number {
  return live || wasLive || isSettled ? options.finalQuietMs : options.deletedQuietMs
}

/** At rest under a name that another lineage looks at, which tells of what happens there. */
export function isWatched(generation: Generation): boolean {
  return isAlive(generation) && generation.isSettled && !generation.isReplaced
}

function isAlive({ aliveAtMs }: Generation): boolean {
  return performance.now() - aliveAtMs < ALIVE_MS
}

/** Deleted, but perhaps still written to by who has it open, as kube-apiserver does (kubernetes/kubernetes#111208). */
function isHeld({ live, options }: Generations, generation: Generation): boolean {
  const hasSuccessor = live !== undefined && live.size > 0
  const isQuiet = performance.now() - generation.changedAtMs >= options.deletedQuietMs
  if (hasSuccessor || isQuiet || !generation.isOpen) return false
  const facts = generation.look()
  return !(facts instanceof Fault) && facts.links === 0
}
