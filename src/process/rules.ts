import { Buffer, isUtf8 } from 'node:buffer'
import type { RuleConfig } from '../config/config.ts'
import { Pattern } from './pattern/pattern.ts'
import type { Placeholder } from './pattern/placeholder.ts'

/**
 * The log_processing_rules of a source. They apply in order: the first `exclude_at_match` that matches drops the line, so
 * does an `include_at_match` that does not; `mask_sequences` changes what the rules behind it see. A line is what stands
 * between newlines; a carriage return before the newline belongs to the newline.
 */
export interface LineRules {
  /** To look through the whole lines of `bytes`, as long as they are not changed behind where it is asked from. */
  scan(bytes: Buffer, maxLineBytes: number): RuleScan
  /** What becomes of one line: itself where no rule touches it. `grown`: masks would make it longer than `maxBytes`. */
  apply(line: Buffer, maxBytes: number): Buffer | 'dropped' | 'grown'
}

export interface RuleScan {
  /**
   * The first whole line at `from`, where a line begins, or later that some rule drops or changes. Empty lines and those
   * over `maxLineBytes` are passed over; a line that begins with NUL bytes counts behind them: the run is returned first.
   */
  next(from: number): TouchedLine | undefined
}

/** At `[start, end)` without its newline, which ends at `next`. Of `nul` it is the run of NUL bytes. */
export interface TouchedLine {
  readonly start: number
  readonly end: number
  readonly next: number
  readonly reason: 'rule' | 'nul'
}

interface Rule {
  readonly kind: RuleConfig['kind']
  readonly pattern: Pattern
  readonly placeholder: Placeholder | undefined
}

const NEWLINE = 10
const RETURN = 13

/** Throws for a pattern that is no RE2: the configuration was checked for that. */
export function compileRules(configs: readonly RuleConfig[]): LineRules {
  const rules = configs.map((config): Rule => {
    const pattern = new Pattern(config.pattern)
    const placeholder = config.kind === 'mask_sequences' ? pattern.placeholder(config.placeholder) : undefined
    return { kind: config.kind, pattern, placeholder }
  })
  return {
    scan: (bytes, maxLineBytes) => new Scan(rules, bytes, maxLineBytes),
    apply: (line, max) => apply(rules, line, max),
  }
}

function apply(rules: readonly Rule[], line: Buffer, maxBytes: number): Buffer | 'dropped' | 'grown' {
  const valid = isUtf8(line) ? line : Buffer.from(line.toString())
  let text = valid
  for (const { kind, pattern, placeholder } of rules) {
    const matches = pattern.matches(text)
    if (drops(kind, matches)) return 'dropped'
    if (!placeholder || !matches) continue
    const masked = pattern.replaceAll(text, placeholder, maxBytes)
    if (masked === 'grown') return masked
    text = masked
  }
  return text === valid ? line : text
}

function drops(kind: RuleConfig['kind'], matches: boolean): boolean {
  return (kind === 'exclude_at_match' && matches) || (kind === 'include_at_match' && !matches)
}

class Scan implements RuleScan {
  readonly #rules: readonly Rule[]
  readonly #bytes: Buffer
  readonly #maxLineBytes: number
  readonly #isUtf8: boolean
  /** Where the literal of each rule stands next, so that each byte is searched once. */
  readonly #hits: number[]

  constructor(rules: readonly Rule[], bytes: Buffer, maxLineBytes: number) {
    this.#rules = rules
    this.#bytes = bytes
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
      if (isJudged && this.#touches(start, end)) return { start, end, next: newline + 1, reason: 'rule' }
      start = newline + 1
    }
  }

  #nulRun(start: number): TouchedLine {
    let end = start
    while (this.#bytes[end] === 0) end += 1
    return { start, end, next: end, reason: 'nul' }
  }

  #touches(start: number, end: number): boolean {
    const line = this.#isUtf8 ? undefined : this.#bytes.subarray(start, end)
    if (line !== undefined && !isUtf8(line)) return apply(this.#rules, line, this.#maxLineBytes) !== line
    for (const [index, { kind, pattern }] of this.#rules.entries()) {
      const hit = this.#hit(index, start)
      const matches = hit < end && pattern.test({ bytes: this.#bytes, start, end }, hit)
      if (drops(kind, matches) || (kind === 'mask_sequences' && matches)) return true
    }
    return false
  }

  /** A literal holds no newline: one that begins in a line ends in it. */
  #hit(index: number, from: number): number {
    const literal = this.#rules[index]?.pattern.literal
    if (literal === undefined) return from
    const known = this.#hits[index] as number
    if (known >= from) return known
    const found = this.#bytes.indexOf(literal, from)
    const hit = found < 0 ? Number.POSITIVE_INFINITY : found
    this.#hits[index] = hit
    return hit
  }
}
