import { Buffer, isUtf8 } from 'node:buffer'
import { NEWLINE } from '../block.ts'
import type { RuleConfig } from '../config/config.ts'
import { Pattern } from './pattern/pattern.ts'
import type { Placeholder } from './pattern/placeholder.ts'
import { Searched } from './pattern/search.ts'

/**
 * The log_processing_rules of a source. They apply in order: the first `exclude_at_match` that matches drops the line, so
 * does an `include_at_match` that does not; later rules see the changes of a `mask_sequences`. A line is what stands between
 * newlines; a carriage return before the newline belongs to the newline.
 */
export interface LineRules {
  /** Scans the whole lines of `bytes`, which must not change after the position asked from. */
  scan(bytes: Buffer, maxLineBytes: number): RuleScan
  /**
   * The result for one line: the line itself if no rule touches it. `grown`: masks would make it longer than `maxBytes`.
   * `costly`: masking would take more work than a line may cost. `known` is the first rule that touches it, if a scan has
   * found it.
   */
  apply(line: Buffer, maxBytes: number, known?: number): Ruled
}

type Ruled = Buffer | 'dropped' | 'grown' | 'costly'

interface RuleScan {
  /**
   * The first whole line at or after `from`, the start of a line, that some rule drops or changes. Empty lines and those over
   * `maxLineBytes` are skipped; a line that begins with NUL bytes counts from after them: the run is returned first.
   */
  next(from: number): TouchedLine | undefined
}

/** At `[start, end)` without its newline, which ends at `next`. For `nul` it is the run of NUL bytes. */
export type TouchedLine = { readonly start: number; readonly end: number; readonly next: number } & (
  | { readonly reason: 'nul' }
  /** `rule`: the first rule that drops or changes it. */
  | { readonly reason: 'rule'; readonly rule: number }
)

interface Rule {
  readonly kind: RuleConfig['kind']
  readonly pattern: Pattern
  readonly placeholder: Placeholder | undefined
}

const RETURN = 13

/** Throws for a pattern that is not valid RE2: the configuration has already been checked for that. */
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

  /** -1: none. */
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

  /** Search targets contain no newline: a hit ends in the line in which it begins. */
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
