import { empty } from './program.ts'
import { isWordCharacter } from './states.ts'

/** re2js's marker for the end of a text. */
const EOF = -8

/** Internals that re2js passes to its input. */
interface Prefix {
  readonly prefix: string
}
interface Prefilter {
  readonly str: string
  automaton16(): { searchUTF16(text: string, start: number, end: number): boolean }
}

/** Input for the engines of re2js 2.10, like its own for a string, but records how far it has been read. */
export class TextReader {
  /** The farthest position read. Must be reset before each search. */
  reached = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The character and its width in one number. */
  step(at: number): number {
    if (at > this.reached) this.reached = at
    const code = this.#text.codePointAt(at)
    if (code === undefined) return EOF
    return (code << 3) | (code > 0xffff ? 2 : 1)
  }

  /** Which empty-match conditions hold at a position; a line contains no newline. */
  context(at: number): number {
    const isBound = isWordCharacter(this.#text.charCodeAt(at - 1)) !== isWordCharacter(this.#text.charCodeAt(at))
    return (
      (at <= 0 ? empty.begin : 0) |
      (at >= this.#text.length ? empty.end : 0) |
      (isBound ? empty.wordBoundary : empty.noWordBoundary)
    )
  }

  index({ prefix }: Prefix, from: number): number {
    const found = this.#text.indexOf(prefix, from)
    return found < 0 ? -1 : found - from
  }

  hasString({ str }: Prefilter, from: number): boolean {
    return this.#text.indexOf(str, from) >= 0
  }

  hasAnyString(prefilter: Prefilter, from: number): boolean {
    return prefilter.automaton16().searchUTF16(this.#text, from, this.#text.length)
  }

  prefixLength({ prefix }: Prefix): number {
    return prefix.length
  }

  canCheckPrefix(): boolean {
    return true
  }

  endPos(): number {
    return this.#text.length
  }
}
