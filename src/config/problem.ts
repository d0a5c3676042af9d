import type { Excerpt } from './excerpt.ts'

/** A configuration fault, as reported to a person. */
export interface Problem {
  /** The file as it was named, or `environment`. */
  readonly file: string
  /** Counts from 1. Undefined if no line is at fault, as for a missing file or an environment variable. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** `logs[0].path`, or the variable's name; empty for a file as a whole. */
  readonly key: string
  readonly message: string
  readonly hint: string | undefined
  /** `fatal`: the agent does not start. `source`: this item of `logs:` is left out and the others run. `warning`: everything runs. */
  readonly scope: 'fatal' | 'source' | 'warning'
  /** Index in the file's `logs:`, for scope `source`. */
  readonly sourceIndex: number | undefined
  readonly excerpt: Excerpt | undefined
  /** Whether it may disappear while the agent runs: it is then reported when found, but not kept in the status. */
  readonly isTransient: boolean
}

export function problemOf(
  file: string,
  message: string,
  more: Partial<Omit<Problem, 'file' | 'message'>> = {},
): Problem {
  return {
    file,
    message,
    line: undefined,
    column: undefined,
    key: '',
    hint: undefined,
    scope: 'fatal',
    sourceIndex: undefined,
    excerpt: undefined,
    isTransient: false,
    ...more,
  }
}

/** One line: `conf.yaml:3:5: unknown key …`. */
export function problemLine(problem: Problem): string {
  const { message, scope } = problem
  return `${placeOf(problem)}: ${scope === 'warning' ? 'warning: ' : ''}${message}`
}

/** The same without the word `warning`, for output that already shows the severity. */
export function plainProblemLine(problem: Problem): string {
  return `${placeOf(problem)}: ${problem.message}`
}

function placeOf({ file, line, column }: Problem): string {
  return line === undefined ? file : `${file}:${line}:${column ?? 1}`
}

/** `problemLine` and the hint, on one line. */
export function problemSentence(problem: Problem): string {
  return problem.hint === undefined ? problemLine(problem) : `${problemLine(problem)}; ${problem.hint}`
}

/** Several lines: `problemLine`, the line of the file with a caret below the fault, and the hint. */
export function renderProblem(problem: Problem): string {
  const { excerpt, hint, line } = problem
  const lines = [problemLine(problem)]
  if (excerpt !== undefined && line !== undefined) {
    const gutter = ' '.repeat(String(line).length)
    lines.push(`  ${line} | ${excerpt.text}`)
    if (excerpt.caret !== undefined) lines.push(`  ${gutter} | ${' '.repeat(excerpt.caret)}^`)
  }
  if (hint !== undefined) lines.push(`  hint: ${hint}`)
  return lines.join('\n')
}
