import { valueAt } from './explain.ts'
import type { Finding, Path } from './finding.ts'

/** Checks the patterns of rules, whose other keys may be invalid, by compiling them. Loads the engine only if there are rules. */
export async function patternFindings(rules: unknown, base: Path): Promise<readonly Finding[]> {
  if (!Array.isArray(rules) || rules.length === 0) return []
  const engine = await import('re2js')
  return rules.flatMap((rule: unknown, index): Finding[] => {
    const [name, pattern] = [valueAt(rule, ['name']), valueAt(rule, ['pattern'])]
    if (typeof pattern !== 'string' || pattern === '') return []
    const place: Pick<Finding, 'path' | 'at'> = { path: [...base, index, 'pattern'], at: 'value' }
    const compiled = compile(engine, pattern)
    const named = typeof name === 'string' ? name : ''
    if (typeof compiled === 'string') {
      const message = `invalid pattern ${pattern} for processing rule: ${named} (${compiled})`
      const hint = /\(\?<?[=!]|\\[1-9]/.test(pattern) ? 'RE2 has no lookaround and no backreferences' : undefined
      return [{ ...place, severity: 'error', message, hint }]
    }
    if (!matchesEveryLine(compiled)) return []
    const message = `the pattern of processing rule ${named} can match an empty text, and so it matches every line`
    return [
      {
        ...place,
        severity: 'warning',
        message,
        hint: 'make it match at least one character, for example with + instead of *',
      },
    ]
  })
}

/** A character that no real pattern mentions. */
const ELSEWHERE = '\u{10fffd}'

/** Whether the pattern has an empty match in every text. */
function matchesEveryLine(pattern: import('re2js').RE2JS): boolean {
  const matcher = pattern.matcher(ELSEWHERE)
  return matcher.find() && matcher.start() === matcher.end()
}

/** Returns the engine's message if the pattern cannot be compiled. */
function compile(engine: typeof import('re2js'), pattern: string): import('re2js').RE2JS | string {
  try {
    return engine.RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof engine.RE2JSSyntaxException) return error.message
    throw error
  }
}
