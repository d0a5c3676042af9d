import { Buffer } from 'node:buffer'
import type { Required } from './required.ts'

/** Bytes that are searched for the requirements of several patterns. */
export class Searched {
  readonly bytes: Buffer
  #characters: string | undefined

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** The bytes as a string, one character per byte. */
  get characters(): string {
    this.#characters ??= this.bytes.toString('latin1')
    return this.#characters
  }
}

/** Searches for what a pattern requires. */
export interface Search {
  /** Returns the first occurrence at or after `from`; -1 if there is none. */
  find(searched: Searched, from: number): number
  /** The text searched for; undefined if there are alternatives. */
  readonly text: Buffer | undefined
}

export function createSearch({ sequences }: Required): Search {
  const [only, ...others] = sequences
  if (only !== undefined && others.length === 0 && only.every((set) => set.length === 1)) {
    const text = Buffer.from(String.fromCodePoint(...only.flat()))
    return { text, find: ({ bytes }, from) => bytes.indexOf(text, from) }
  }
  // Without repetitions, V8 takes time linear in the text (0.6 to 1.8 GB/s).
  const expression = new RegExp(sequences.map((sequence) => sequence.map(oneOf).join('')).join('|'), 'g')
  return {
    text: undefined,
    find({ characters }, from) {
      expression.lastIndex = from
      return expression.exec(characters)?.index ?? -1
    },
  }
}

/** An expression that matches the UTF-8 bytes of any of the characters. */
function oneOf(set: readonly number[]): string {
  const ascii = set.filter((character) => character < 128)
  const beyond = set.filter((character) => character >= 128)
  const choice = ascii.length === 0 ? [] : [`[${ascii.map((character) => escaped(character)).join('')}]`]
  return `(?:${[...choice, ...beyond.map(bytesOf)].join('|')})`
}

function bytesOf(character: number): string {
  return Array.from(Buffer.from(String.fromCodePoint(character)), escaped).join('')
}

function escaped(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}
