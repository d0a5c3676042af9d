import type { Generation } from './generation.ts'
import type { Generations } from './generations.ts'
import type { LivePath } from './live-path.ts'

/** One look at the directory of a live path. */
export interface Scan {
  readonly generations: Generations
  readonly livePath: LivePath
  readonly nowMs: number
  readonly names: ReadonlySet<string>
  /** Generations whose file is there. */
  readonly seen: Set<Generation>
  /** Everything could be looked at, so that what was not seen is not there. */
  isComplete: boolean
}
