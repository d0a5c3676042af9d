import type { ConfDocument } from './document.ts'
import type { Finding, Path } from './finding.ts'
import { type Problem, problemOf } from './problem.ts'

/** Where an item of the configuration was written. */
export interface Origin {
  /** Undefined if it is in no file. */
  readonly document: ConfDocument | undefined
  readonly path: Path
}

/** Where the items were written, for faults discovered later. The lists are in the order of the configuration. */
export interface Origins {
  readonly sources: readonly Origin[]
  readonly destinations: readonly Origin[]
  readonly checkpoint: Origin
}

export interface KeyWarning extends Pick<Finding, 'message' | 'hint'> {
  /** Relative to the item's path. */
  readonly key: Path
}

export function warningAt({ document, path }: Origin, { key, message, hint }: KeyWarning): Problem {
  const finding: Finding = { path: [...path, ...key], at: 'value', severity: 'warning', message, hint }
  return document?.problem(finding) ?? problemOf('the configuration', message, { hint, scope: 'warning' })
}
