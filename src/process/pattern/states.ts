import { empty, instructionAt, op, type Program, takes } from './program.ts'

/** The symbol after the last byte of a line. */
export const END = 256
const SYMBOLS = 257
/** A state takes 1 KiB. */
const MAX_STATES = 1000
/** After more consecutive overflows than this, building states costs more than it saves. */
const MAX_OVERFLOWS = 8
/** Overflows more searches apart than this are not consecutive: beside so many searches, a thousand states are cheap. */
const SEARCHES_BETWEEN_OVERFLOWS = 10_000
/** After this many searches, states are tried again: the lines may have changed. */
const SEARCHES_WITHOUT_STATES = 1_000_000

/** Cell values other than states. One below `LAST_MATCH` is a negated state: a match ends before the symbol. */
export const UNKNOWN = 0
export const FOREIGN = -1
export const DEAD = -2
export const IDLE = -3
export const LAST_MATCH = -4

interface State {
  readonly threads: readonly number[]
  /** What precedes the position, on which word and line boundaries depend. */
  readonly before: 'nothing' | 'word' | 'other'
  /** Whether matches may still begin later, because none has been found yet. */
  readonly restarts: boolean
}

export interface StatesOptions {
  /** Whether a match may also begin at any later position. */
  readonly restarts: boolean
  /** Whether to report `IDLE` when no match is in progress. */
  readonly idles: boolean
  /** Which of the matches that begin at the same position is wanted. Only `first` needs ordered threads, and more states. */
  readonly prefers: 'any' | 'first' | 'longest'
}

/**
 * The states of an automaton that follows the threads of a program, built on first use. A state is the positions of its
 * threads (in order of priority, if the first match is wanted) before they pass the instructions that consume nothing.
 * Therefore the end of a match is known only with the symbol after it.
 *
 * Symbols are the bytes of valid UTF-8. The first byte of a character stands for the whole character; the others change
 * nothing. If the program distinguishes characters with the same first byte, the cell is `FOREIGN`.
 */
export class States {
  /** By state and symbol: the next state, or one of the values above. A state is the index of its first cell, never 0. */
  cells = new Int32Array(16 * SYMBOLS)
  readonly #program: Program
  readonly #options: StatesOptions
  readonly #asksForWords: boolean
  readonly #known = new Map<string, number>()
  #states: State[] = []
  /** How often all states were dropped because there were too many: in total, and consecutively. */
  #drops = 0
  #overflows = 0
  /** Since the last overflow. */
  #searches = 0
  /** By the preceding symbol; `END` stands for none. */
  readonly #starts = new Int32Array(SYMBOLS)

  constructor(program: Program, options: StatesOptions) {
    const words = empty.wordBoundary | empty.noWordBoundary
    this.#program = program
    this.#options = { ...options, restarts: options.restarts && !beginsWithLine(program) }
    this.#asksForWords = program.inst.some(({ op: code, arg }) => code === op.emptyWidth && (arg & words) !== 0)
    this.#clear()
  }

  /** Counts a search. Returns whether it may use the states: not if they have overflowed too often lately. */
  admit(): boolean {
    this.#searches += 1
    if (this.#overflows <= MAX_OVERFLOWS) return true
    if (this.#searches <= SEARCHES_WITHOUT_STATES) return false
    this.#overflows = 0
    return true
  }

  /** The start state after a byte, or with `END`, at the start of the line. */
  startBehind(symbol: number): number {
    return this.#starts[symbol] || this.#makeStart(symbol)
  }

  /** Fills an unknown cell. */
  step(state: number, symbol: number): number {
    if (isContinuation(symbol)) return this.#fill(state, symbol, state)
    const from = this.#states[state / SYMBOLS] as State
    const after = this.#follow(from, symbol)
    if (after === undefined) return this.#fill(state, symbol, FOREIGN)
    const { matches, threads } = after
    const restarts = from.restarts && !matches && symbol !== END
    if (restarts && this.#options.idles && threads.size === 0) return this.#fill(state, symbol, IDLE)
    if (restarts) threads.add(this.#program.start)
    if (threads.size === 0) return this.#fill(state, symbol, matches ? LAST_MATCH : DEAD)
    const drops = this.#drops
    const ordered = this.#options.prefers === 'first' ? [...threads] : [...threads].sort((a, b) => a - b)
    const reached = this.#stateOf({ threads: ordered, before: this.#kindOf(symbol), restarts })
    // All states were dropped, including the one that owns this cell.
    if (this.#drops !== drops) return FOREIGN
    return this.#fill(state, symbol, matches ? -reached : reached)
  }

  /** Where the threads of a state go; undefined if that differs between characters of the symbol. */
  #follow(state: State, symbol: number): { matches: boolean; threads: Set<number> } | undefined {
    const threads = new Set<number>()
    let matches = false
    const [first, last] = charactersOf(symbol)
    for (const pc of this.#passEmpty(state.threads, conditions(state.before, symbol))) {
      const instruction = instructionAt(this.#program, pc)
      if (instruction.op === op.match) {
        // Later threads have lower priority.
        if (this.#options.prefers !== 'longest') return { matches: true, threads }
        matches = true
      }
      const taken = symbol !== END && takes(instruction, first, last)
      if (taken === 'mixed') return undefined
      if (taken) threads.add(instruction.out)
    }
    return { matches, threads }
  }

  #makeStart(symbol: number): number {
    const before = symbol === END ? 'nothing' : this.#kindOf(symbol)
    const start = this.#stateOf({ threads: [this.#program.start], before, restarts: this.#options.restarts })
    this.#starts[symbol] = start
    return start
  }

  #kindOf(symbol: number): 'word' | 'other' {
    return this.#asksForWords && isWordCharacter(symbol) ? 'word' : 'other'
  }

  #fill(state: number, symbol: number, cell: number): number {
    this.cells[state + symbol] = cell
    return cell
  }

  /** The instructions to try, in order of priority. */
  #passEmpty(threads: readonly number[], holding: number): readonly number[] {
    const reached: number[] = []
    const seen = new Set<number>()
    const open = [...threads].reverse()
    for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
      if (seen.has(pc)) continue
      seen.add(pc)
      const { op: code, out, arg } = instructionAt(this.#program, pc)
      if (code === op.alt || code === op.altMatch) open.push(arg, out)
      else if (code === op.capture || code === op.nop) open.push(out)
      else if (code === op.emptyWidth) open.push(...((arg & ~holding) === 0 ? [out] : []))
      else if (code !== op.fail) reached.push(pc)
    }
    return reached
  }

  #stateOf(made: State): number {
    const key = `${made.before} ${made.restarts} ${made.threads}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size === MAX_STATES) {
      this.#drops += 1
      this.#overflows = this.#searches > SEARCHES_BETWEEN_OVERFLOWS ? 1 : this.#overflows + 1
      this.#searches = 0
      this.#clear()
    }
    const state = this.#states.length * SYMBOLS
    if (state + SYMBOLS > this.cells.length) {
      const more = new Int32Array(2 * this.cells.length)
      more.set(this.cells)
      this.cells = more
    }
    this.#states.push(made)
    this.#known.set(key, state)
    return state
  }

  #clear(): void {
    this.#known.clear()
    this.#starts.fill(0)
    this.cells = new Int32Array(16 * SYMBOLS)
    // No state begins at 0, which marks an unknown cell.
    this.#states = [{ threads: [], before: 'nothing', restarts: false }]
  }
}

/** Whether a match can only begin at the start of the line. */
function beginsWithLine(program: Program): boolean {
  let pc = program.start
  for (;;) {
    const { op: code, out, arg } = instructionAt(program, pc)
    if (code === op.emptyWidth && (arg & empty.begin) !== 0) return true
    if (code !== op.capture && code !== op.nop && code !== op.emptyWidth) return false
    pc = out
  }
}

/** The first and last character that begin with the byte, overlong forms excluded. */
function charactersOf(byte: number): readonly [first: number, last: number] {
  if (byte < 0x80) return [byte, byte]
  const [front, bits, least] =
    byte < 0xe0 ? [byte & 0x1f, 6, 0x80] : byte < 0xf0 ? [byte & 0x0f, 12, 0x800] : [byte & 7, 18, 0x10000]
  return [Math.max(least, front << bits), ((front + 1) << bits) - 1]
}

/** The conditions that hold between two symbols. */
function conditions(before: State['before'], symbol: number): number {
  const isBound = (before === 'word') !== isWordCharacter(symbol)
  return (
    (before === 'nothing' ? empty.begin : 0) |
    (symbol === END ? empty.end : 0) |
    (isBound ? empty.wordBoundary : empty.noWordBoundary)
  )
}

export function isContinuation(symbol: number): boolean {
  return symbol >= 0x80 && symbol < 0xc0
}

export function isWordCharacter(symbol: number): boolean {
  const isLetter = (symbol >= 0x41 && symbol <= 0x5a) || (symbol >= 0x61 && symbol <= 0x7a)
  return isLetter || (symbol >= 0x30 && symbol <= 0x39) || symbol === 0x5f
}
