import { normalize, sep } from 'node:path'
import { compilePathPattern } from './path-pattern.ts'

/** A pattern for paths: `*`, `?`, `[…]`, `{a,b}` and, as a whole segment, `**`. Everything else is literal. */
export interface Glob {
  /** The deepest directory that contains all matches; the path itself if `isLiteral`. */
  readonly base: string
  /** Whether there is nothing to expand: the pattern is one path. */
  readonly isLiteral: boolean
  matches(path: string): boolean
  /** Whether something below `directory` may match. */
  reaches(directory: string): boolean
}

/** Directories below a `**` are searched down to this depth. */
const MAX_DEPTH = 32

export function compileGlob(written: string): Glob {
  const pattern = normalize(written)
  const segments = pattern.split(sep)
  const firstWild = segments.findIndex((segment) => /(?<!\\)[*?[{]/.test(segment))
  if (firstWild < 0) {
    const path = literally(pattern)
    return { base: path, isLiteral: true, matches: (other) => other === path, reaches: () => false }
  }
  const base = literally(segments.slice(0, firstWild).join(sep)) || sep
  const isAbove = (directory: string) =>
    directory === sep || base === directory || base.startsWith(`${directory}${sep}`)
  const isMatch = compilePathPattern(pattern)
  // If a brace spans several segments, it cannot be told per depth which directories may match.
  const isSplit = segments.some((segment) => count(segment, '{') !== count(segment, '}'))
  const globstar = isSplit ? firstWild : segments.findIndex(isAnyDepth)
  const prefixes = segments.map((_, index) =>
    index < firstWild || (globstar >= 0 && index >= globstar)
      ? undefined
      : compilePathPattern(segments.slice(0, index + 1).join(sep)),
  )
  return {
    base,
    isLiteral: false,
    matches: isMatch,
    reaches(directory) {
      const depth = directory === sep ? 0 : count(directory, sep)
      if (depth < firstWild) return isAbove(directory)
      if (base !== sep && !directory.startsWith(`${base}${sep}`)) return false
      if (globstar >= 0 && depth >= globstar) return depth < globstar + MAX_DEPTH
      return depth < segments.length - 1 && prefixes[depth]?.(directory) === true
    },
  }
}

/** Whether a path matches any of several patterns. */
export function compileGlobs(patterns: readonly string[]): (path: string) => boolean {
  const matchers = patterns.map((pattern) => compileGlob(pattern).matches)
  return (path) => matchers.some((matches) => matches(path))
}

/** Whether a segment is `**`, or has it as one of several alternatives: which of them a directory matches does not matter. */
function isAnyDepth(segment: string): boolean {
  return segment === '**' || /[{,]\*\*[,}]/.test(segment)
}

function literally(literal: string): string {
  return literal.replace(/\\(.)/g, '$1')
}

function count(text: string, mark: string): number {
  return text.split(mark).length - 1
}
