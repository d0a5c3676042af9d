import type { ConfDocument } from './document.ts'
import type { Finding, Path } from './finding.ts'
import { type Problem, problemOf } from './problem.ts'

/** Where an item of the configuration was written. */
export interface Origin {
  /** Undefined: in no file. */
  readonly document: ConfDocument | undefined
  readonly path: Path
}

/** For faults of items discovered later; in configuration order. */
export interface Origins {
  readonly sources: readonly Origin[]
  readonly destinations: readonly Origin[]
  readonly checkpoint: Origin
}

export interface KeyWarning extends Pick<Finding, 'message' | 'hint'> {
  /** Relative to the item. */
  readonly key: Path
}

export function warningAt({ document, path }: Origin, { key, message, hint }: KeyWarning): Problem {
  const finding: Finding = { path: [...path, ...key], at: 'value', severity: 'warning', message, hint }
  return document?.problem(finding) ?? problemOf('the configuration', message, { hint, scope: 'warning' })
}
