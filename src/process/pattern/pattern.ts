import { Buffer } from 'node:buffer'
import { RE2JS } from 're2js'
import { Automaton, type Match, previousCharacter, type Text } from './automaton.ts'
import { expand, type Placeholder, parsePlaceholder } from './placeholder.ts'
import { programOf } from './program.ts'
import { requiredBy } from './required.ts'
import { createSearch, type Search, Searched } from './search.ts'
import { isContinuation } from './states.ts'
import { TextReader } from './text-reader.ts'

const UNANCHORED = 0

/**
 * An RE2 pattern for lines of valid UTF-8. Three engines, each for what the previous one cannot decide: a search across many
 * lines for what every match contains (text 5 GB/s, alternatives 0.6 to 1.8), an automaton over every byte (0.4 to 0.5
 * GB/s), and re2js over a string (0.1 GB/s; 0.01 if positions are needed). Each takes time linear in the line.
 */
export class Pattern {
  /** Searches for what every match contains; undefined if nothing is known. */
  readonly search: Search | undefined
  readonly #regex: RE2JS
  readonly #isPrefix: boolean
  readonly #isWhole: boolean
  readonly #automaton: Automaton

  /** Throws an `RE2JSException` for an invalid pattern. */
  constructor(source: string) {
    this.#regex = RE2JS.compile(source)
    const program = programOf(this.#regex)
    const required = requiredBy(program)
    this.search = required && createSearch(required)
    this.#isPrefix = required?.isPrefix ?? false
    this.#isWhole = required?.isWhole ?? false
    this.#automaton = new Automaton(program, this.#isPrefix ? this.search?.text : undefined)
  }

  matches(line: Buffer): boolean {
    const hit = this.search === undefined ? 0 : this.search.find(new Searched(line), 0)
    return hit >= 0 && this.test({ bytes: line, start: 0, end: line.length }, hit)
  }

  /** Whether a line matches. `hit`: the first hit of `search` in it, or its start if there is no search. */
  test(text: Text, hit: number): boolean {
    if (this.#isWhole) return true
    const found = this.#automaton.test(text, this.#isPrefix ? hit : text.start)
    return found === 'foreign' ? this.#regex.test(text.bytes.toString('utf8', text.start, text.end)) : found
  }

  /** Parses the replacement for matches. */
  placeholder(text: string): Placeholder {
    return parsePlaceholder(text, { count: this.#regex.groupCount(), named: this.#regex.namedGroups() })
  }

  /**
   * Replaces every match in the line with a placeholder, as Go's `ReplaceAll` does. Returns the line itself if none matches.
   * `grown`: the result would be longer than `maxBytes`. `costly`: too often, the search read far beyond a match to look for
   * one of higher priority.
   */
  replaceAll(line: Buffer, placeholder: Placeholder, maxBytes: number): Replaced {
    const replaced = this.#replaceInBytes(line, placeholder, maxBytes)
    return replaced === 'foreign' ? this.#replaceInText(line, placeholder, maxBytes) : replaced
  }

  #replaceInBytes(line: Buffer, placeholder: Placeholder, maxBytes: number): Replaced | 'foreign' {
    const text = { bytes: line, start: 0, end: line.length }
    const lookahead = new Lookahead(line.length)
    const output = new Output(maxBytes)
    let copied = 0
    for (let from = 0; from <= line.length && !output.isOver; ) {
      const match = this.#automaton.find(text, from)
      if (match === undefined) break
      const instead = match === 'foreign' ? match : (placeholder.constant ?? this.#expanded(placeholder, line, match))
      if (match === 'foreign' || instead === 'foreign') return 'foreign'
      if (!lookahead.allows(match.reached - match.end)) return 'costly'
      output.add(line.subarray(copied, match.start), isReplaced(match, copied) ? instead : undefined)
      copied = match.end
      from = nextCharacter(line, Math.max(from, copied - 1))
    }
    return output.isEmpty ? line : output.end(line.subarray(copied))
  }

  /**
   * Finds the groups of a match in a string of only the match and the characters around it, which keep word and line
   * boundaries in place. If the match found there has the same bounds, it took the same path.
   */
  #expanded(placeholder: Placeholder, line: Buffer, { start, end }: Match): Buffer | 'foreign' {
    const before = start === 0 ? '' : line.toString('utf8', previousCharacter(line, start), start)
    const match = line.toString('utf8', start, end)
    const text = before + match + line.toString('utf8', end, nextCharacter(line, end))
    const groups = this.#groups(new TextReader(text), before.length)
    if (groups?.[0] !== before.length || groups[1] !== before.length + match.length) return 'foreign'
    return Buffer.from(expand(placeholder, text, groups))
  }

  #replaceInText(line: Buffer, placeholder: Placeholder, maxBytes: number): Replaced {
    const text = line.toString()
    const reader = new TextReader(text)
    const lookahead = new Lookahead(text.length)
    const output = new Output(maxBytes)
    let copied = 0
    for (let from = 0; from <= text.length && !output.isOver; ) {
      const groups = this.#groups(reader, from)
      if (groups === undefined) break
      const [start = 0, end = 0] = groups
      if (!lookahead.allows(reader.reached - end)) return 'costly'
      const instead = isReplaced({ start, end }, copied) ? expand(placeholder, text, groups) : ''
      output.add(Buffer.from(text.slice(copied, start)), Buffer.from(instead))
      copied = end
      const width = (text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1
      from = Math.max(from + width, copied)
    }
    return output.isEmpty ? line : output.end(Buffer.from(text.slice(copied)))
  }

  /** Bounds of the first match at or after `from` and of its groups, two numbers each; negative for an unmatched group. */
  #groups(reader: TextReader, from: number): readonly number[] | undefined {
    const count = 1 + this.#regex.groupCount()
    reader.reached = from
    return this.#regex.re2().executeEngine(reader, from, UNANCHORED, 2 * count) ?? undefined
  }
}

/** A line with its matches replaced, or why they were not. */
export type Replaced = Buffer | 'grown' | 'costly'

/** A line may cost this many passes over it, plus a little more for short lines. */
const MAX_LOOKS = 8
const FREE_LOOKAHEAD = 65_536

/** The budget for reading beyond matches, since the next search has to read that part again. */
class Lookahead {
  #left: number

  constructor(length: number) {
    this.#left = MAX_LOOKS * length + FREE_LOOKAHEAD
  }

  allows(more: number): boolean {
    this.#left -= Math.max(0, more)
    return this.#left >= 0
  }
}

/** A line being reassembled. */
class Output {
  readonly #maxBytes: number
  readonly #pieces: Uint8Array[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0
  }

  get isOver(): boolean {
    return this.#bytes > this.#maxBytes
  }

  add(...pieces: readonly (Uint8Array | undefined)[]): void {
    for (const piece of pieces) {
      if (piece === undefined) continue
      this.#pieces.push(piece)
      this.#bytes += piece.length
    }
  }

  end(rest: Uint8Array): Replaced {
    this.add(rest)
    return this.isOver ? 'grown' : Buffer.concat(this.#pieces)
  }
}

/** Whether a match counts: an empty one right after another match does not. */
function isReplaced({ start, end }: { start: number; end: number }, copied: number): boolean {
  return end > copied || start === 0
}

/** The position after the character at `at`. */
function nextCharacter(line: Buffer, at: number): number {
  let next = at + 1
  while (next < line.length && isContinuation(line[next] as number)) next += 1
  return next
}
