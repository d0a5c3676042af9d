import { Fault } from '../file/files.ts'
import type { Generation } from '../generation/generation.ts'
import type { Generations } from '../generation/generations.ts'

/** A file seen alive this recently is not finished, however quiet it is. */
const ALIVE_MS = 60_000

/** Offers the last line of quiet rotated files even without a newline, and finishes those that are then settled. */
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
 * While nothing is at the live path, a file that only looks rotated may be the one being written, such as
 * `app-2026-11-20.log` or `tomcat.8080`: the rest of an incomplete last line is waited for longer.
 */
function quietMs({ live, options }: Generations, { wasLive, isSettled }: Generation): number {
  return live || wasLive || isSettled ? options.finalQuietMs : options.deletedQuietMs
}

/** Whether it is at rest under a name that another lineage looks at and reports on. */
export function isWatched(generation: Generation): boolean {
  return isAlive(generation) && generation.isSettled && !generation.isReplaced
}

function isAlive({ aliveAtMs }: Generation): boolean {
  return performance.now() - aliveAtMs < ALIVE_MS
}

/**
 * Whether its file is deleted, but a process that has it open may still write to it, as kube-apiserver does
 * (kubernetes/kubernetes#111208).
 */
function isHeld({ live, options }: Generations, generation: Generation): boolean {
  const hasSuccessor = live !== undefined && live.size > 0
  const isQuiet = performance.now() - generation.changedAtMs >= options.deletedQuietMs
  if (hasSuccessor || isQuiet || !generation.isOpen) return false
  const facts = generation.look()
  return !(facts instanceof Fault) && facts.links === 0
}
