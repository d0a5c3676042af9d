import { Fault, isAbsent } from '../file/files.ts'
import type { Generation } from '../generation/generation.ts'
import type { Generations } from '../generation/generations.ts'
import type { LivePath } from './live-path.ts'

/** One look at the directory of a live path. */
export interface Scan {
  readonly generations: Generations
  readonly livePath: LivePath
  readonly nowMs: number
  readonly names: ReadonlySet<string>
  /** Generations whose file is there. */
  readonly seen: Set<Generation>
  /** Whether everything could be examined, so that what was not seen is not there. */
  isComplete: boolean
  /** Why something could not be examined: for the operator. */
  refusal: Fault | undefined
}

/** What an operator has to know about what cannot be examined. */
const ADVICE = {
  file: 'what it holds is not read, and nothing is reported as gone, before the agent may look at it',
  directory: 'files rotated there are found only while the agent may list it (EACCES: read permission is needed)',
}

/** Notes that something could not be examined: what is not seen may be there. */
export function refuse(scan: Scan, fault: Fault, kind: keyof typeof ADVICE = 'file'): void {
  scan.isComplete = false
  if (!isAbsent(fault)) scan.refusal ??= new Fault(fault.code, `${fault.message}: ${ADVICE[kind]}`)
}
