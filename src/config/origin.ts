import type { ConfDocument } from './document.ts'
import type { Finding, Path } from './finding.ts'
import { type Problem, problemOf } from './problem.ts'

/** Where an item of the configuration is written. */
export interface Origin {
  /** Undefined: in no file. */
  readonly document: ConfDocument | undefined
  readonly path: Path
}

/** For what turns out later to be wrong with an item: each in the order of the configuration. */
export interface Origins {
  readonly sources: readonly Origin[]
  readonly destinations: readonly Origin[]
}

export interface KeyWarning extends Pick<Finding, 'message' | 'hint'> {
  /** Below the item. */
  readonly key: Path
}

export function warningAt({ document, path }: Origin, { key, message, hint }: KeyWarning): Problem {
  const finding: Finding = { path: [...path, ...key], at: 'value', severity: 'warning', message, hint }
  return document?.problem(finding) ?? problemOf('the configuration', message, { hint, scope: 'warning' })
}
