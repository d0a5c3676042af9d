import type { Buffer } from 'node:buffer'
import type { Program } from './program.ts'
import { reversed } from './reversal.ts'
import { DEAD, END, FOREIGN, IDLE, isContinuation, LAST_MATCH, States, UNKNOWN } from './states.ts'

/** A line (no newline, valid UTF-8) and its position in `bytes`. */
export interface Text {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** Half-open. */
export interface Match {
  readonly start: number
  readonly end: number
  /** How far the search read to rule out that a match of higher priority ends later. */
  readonly reached: number
}

/** Results of a run other than positions. */
const NONE = -1
const NOT_FOR_US = -2
const BLANK = 0x20

/**
 * A program as an automaton: one table lookup per byte, whatever the pattern. The result is `foreign` if that does not work,
 * because the pattern distinguishes non-ASCII characters or needs too many states.
 *
 * A match is found in two passes. In the forward pass, threads start at every position; the end of the first match is known
 * once no thread of higher priority is left. The longest match read backward from that end gives the start.
 */
export class Automaton {
  readonly #prefix: Uint8Array | undefined
  readonly #any: States
  readonly #first: States
  readonly #backward: States
  /** How far the last successful run read. */
  #reached = 0

  /** `prefix`: what every match begins with, if known. */
  constructor(program: Program, prefix: Uint8Array | undefined) {
    this.#prefix = prefix
    const forward = { restarts: true, idles: prefix !== undefined }
    this.#any = new States(program, { ...forward, prefers: 'any' })
    this.#first = new States(program, { ...forward, prefers: 'first' })
    this.#backward = new States(reversed(program), { restarts: false, idles: false, prefers: 'longest' })
  }

  /** Whether a match begins at or after `from`. */
  test(text: Text, from: number): boolean | 'foreign' {
    const end = this.#run(this.#any, text, from)
    return end === NOT_FOR_US ? 'foreign' : end !== NONE
  }

  /** The first match that begins at or after `from`; undefined if there is none. */
  find(text: Text, from: number): Match | undefined | 'foreign' {
    const end = this.#run(this.#first, text, from)
    if (end === NONE) return undefined
    const start = end === NOT_FOR_US ? NOT_FOR_US : this.#startOf(text, { from, end })
    return start === NOT_FOR_US ? 'foreign' : { start, end, reached: this.#reached }
  }

  /** Returns the end of the match that the states prefer; for `any`, of the one that ends first. */
  #run(states: States, text: Text, from: number): number {
    const { bytes, end } = text
    if (!states.admit()) return NOT_FOR_US
    let found = NONE
    let at = from
    let state = states.startBehind(before(text, at))
    for (;;) {
      const { cells } = states
      let next = UNKNOWN
      while (at < end) {
        next = cells[state + (bytes[at] as number)] as number
        if (next <= 0) break
        state = next
        at += 1
      }
      if (at === end) next = cells[state + END] as number
      if (next === UNKNOWN) next = states.step(state, at < end ? (bytes[at] as number) : END)
      if (next === FOREIGN) return NOT_FOR_US
      this.#reached = at
      if (next === DEAD) return found
      if (next === IDLE) {
        at = this.#nextPrefix(text, at + 1)
        if (at === NONE) return NONE
        state = states.startBehind(before(text, at))
        continue
      }
      if (next < 0) found = at
      if (next === LAST_MATCH || (next < 0 && states === this.#any)) return found
      state = Math.abs(next)
      at += 1
    }
  }

  #nextPrefix({ bytes, end }: Text, from: number): number {
    if (this.#prefix === undefined || from >= end) return NONE
    const hit = bytes.indexOf(this.#prefix, from)
    return hit >= 0 && hit < end ? hit : NONE
  }

  /** Returns the start of the longest match in `[from, end)` that ends at `end`; there must be one. */
  #startOf(text: Text, { from, end }: { from: number; end: number }): number {
    const states = this.#backward
    if (!states.admit()) return NOT_FOR_US
    let state = states.startBehind(end < text.end ? (text.bytes[end] as number) : END)
    let found = NOT_FOR_US
    let at = end
    for (;;) {
      const { cells } = states
      while (at > from) {
        const byte = text.bytes[at - 1] as number
        const next = cells[state + byte] as number
        if (next <= 0 || byte > 127) break
        state = next
        at -= 1
      }
      const character = at > from ? previousCharacter(text.bytes, at) : from
      const symbol = at > from ? (text.bytes[character] as number) : boundary(text, at)
      let next = cells[state + symbol] as number
      if (next === UNKNOWN) next = states.step(state, symbol)
      if (next === FOREIGN) return NOT_FOR_US
      if (next < 0 && next !== DEAD) found = at
      if (next === DEAD || next === LAST_MATCH || at === from) return found
      state = Math.abs(next)
      at = character
    }
  }
}

/** The start of the character before `at`. */
export function previousCharacter(bytes: Buffer, at: number): number {
  let previous = at - 1
  while (isContinuation(bytes[previous] ?? 0)) previous -= 1
  return previous
}

function before({ bytes, start }: Text, at: number): number {
  return at === start ? END : (bytes[at - 1] as number)
}

/** Like `before`, for word boundaries only: a blank stands for any non-ASCII character. */
function boundary(text: Text, at: number): number {
  const symbol = before(text, at)
  return symbol > 127 && symbol !== END ? BLANK : symbol
}
