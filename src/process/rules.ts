import { Buffer, isUtf8 } from 'node:buffer'
import { NEWLINE } from '../chunk.ts'
import type { RuleConfig } from '../config/config.ts'
import { Pattern } from './pattern/pattern.ts'
import type { Placeholder } from './pattern/placeholder.ts'
import { Searched } from './pattern/search.ts'

/**
 * The log_processing_rules of a source, applied in order. An `exclude_at_match` that matches drops the line, and so does an
 * `include_at_match` that does not; rules after a `mask_sequences` see its changes. A line excludes its newline and a
 * carriage return before that.
 */
export interface LineRules {
  /** Scans the whole lines of `bytes`, which must not change at or after the position passed to `next`. */
  scan(bytes: Buffer, maxLineBytes: number): RuleScan
  /**
   * Returns the resulting line: `line` itself if no rule touches it. `grown`: masks would make it longer than `maxBytes`.
   * `costly`: masking would take more work than one line may cost. `known`: the first rule that touches the line, if a scan
   * has found it.
   */
  apply(line: Buffer, maxBytes: number, known?: number): Ruled
}

type Ruled = Buffer | 'dropped' | 'grown' | 'costly'

interface RuleScan {
  /**
   * Returns the first whole line at or after `from`, the start of a line, that some rule drops or changes. Skips empty lines
   * and those over `maxLineBytes`. A run of NUL bytes at the start of a line is returned first; the line begins after it.
   */
  next(from: number): TouchedLine | undefined
}

/** `[start, end)` is the line without its newline, or for `nul` the run of NUL bytes; the search continues at `next`. */
export type TouchedLine = { readonly start: number; readonly end: number; readonly next: number } & (
  | { readonly reason: 'nul' }
  /** `rule`: index of the first rule that drops or changes it. */
  | { readonly reason: 'rule'; readonly rule: number }
)

interface Rule {
  readonly kind: RuleConfig['kind']
  readonly pattern: Pattern
  readonly placeholder: Placeholder | undefined
}

const RETURN = 13

/** Throws if a pattern is not valid RE2, which the check of the configuration has already ruled out. */
export function compileRules(configs: readonly RuleConfig[]): LineRules {
  const rules = configs.map((config): Rule => {
    const pattern = new Pattern(config.pattern)
    const placeholder = config.kind === 'mask_sequences' ? pattern.placeholder(config.placeholder) : undefined
    return { kind: config.kind, pattern, placeholder }
  })
  return {
    scan: (bytes, maxLineBytes) => new Scan(rules, bytes, maxLineBytes),
    apply: (line, max, known) => apply(rules, { line, max, known }),
  }
}

function apply(
  rules: readonly Rule[],
  { line, max, known }: { line: Buffer; max: number; known?: number | undefined },
): Ruled {
  const valid = repaired(line)
  let text = valid
  for (const [index, { kind, pattern, placeholder }] of rules.entries()) {
    if (index < (known ?? 0)) continue
    if (index !== known && !isTouched(kind, pattern.matches(text))) continue
    if (!placeholder) return 'dropped'
    const masked = pattern.replaceAll(text, placeholder, max)
    if (typeof masked === 'string') return masked
    text = masked
  }
  return text === valid ? line : text
}

function repaired(line: Buffer): Buffer {
  return isUtf8(line) ? line : Buffer.from(line.toString())
}

function isTouched(kind: RuleConfig['kind'], matches: boolean): boolean {
  return matches === (kind !== 'include_at_match')
}

class Scan implements RuleScan {
  readonly #rules: readonly Rule[]
  readonly #bytes: Buffer
  readonly #searched: Searched
  readonly #maxLineBytes: number
  readonly #isUtf8: boolean
  /** Each rule's next search hit, so that every byte is searched once. */
  readonly #hits: number[]

  constructor(rules: readonly Rule[], bytes: Buffer, maxLineBytes: number) {
    this.#rules = rules
    this.#bytes = bytes
    this.#searched = new Searched(bytes)
    this.#maxLineBytes = maxLineBytes
    this.#isUtf8 = isUtf8(bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1))
    this.#hits = rules.map(() => -1)
  }

  next(from: number): TouchedLine | undefined {
    for (let start = from; ; ) {
      const newline = this.#bytes.indexOf(NEWLINE, start)
      if (newline < 0) return undefined
      if (this.#bytes[start] === 0) return this.#nulRun(start)
      const end = newline > start && this.#bytes[newline - 1] === RETURN ? newline - 1 : newline
      const isJudged = end > start && end - start <= this.#maxLineBytes
      const rule = isJudged ? this.#firstTouching(start, end) : -1
      if (rule >= 0) return { start, end, next: newline + 1, reason: 'rule', rule }
      start = newline + 1
    }
  }

  #nulRun(start: number): TouchedLine {
    let end = start
    while (this.#bytes[end] === 0) end += 1
    return { start, end, next: end, reason: 'nul' }
  }

  /** Index of the first rule that touches the line; -1 if none does. */
  #firstTouching(start: number, end: number): number {
    const line = this.#isUtf8 ? undefined : this.#bytes.subarray(start, end)
    if (line !== undefined && !isUtf8(line)) {
      const text = repaired(line)
      return this.#rules.findIndex(({ kind, pattern }) => isTouched(kind, pattern.matches(text)))
    }
    return this.#rules.findIndex(({ kind, pattern }, index) => {
      const hit = this.#hit(index, start)
      return isTouched(kind, hit < end && pattern.test({ bytes: this.#bytes, start, end }, hit))
    })
  }

  /** The rule's next search hit at or after `from`. It lies within one line: search targets contain no newline. */
  #hit(index: number, from: number): number {
    const search = this.#rules[index]?.pattern.search
    if (search === undefined) return from
    const known = this.#hits[index] as number
    if (known >= from) return known
    const found = search.find(this.#searched, from)
    const hit = found < 0 ? Number.POSITIVE_INFINITY : found
    this.#hits[index] = hit
    return hit
  }
}
