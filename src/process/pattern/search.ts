import { Buffer } from 'node:buffer'
import type { Required } from './required.ts'

/** Bytes in which several patterns' requirements are searched for. */
export class Searched {
  readonly bytes: Buffer
  #characters: string | undefined

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** The same, one character per byte. */
  get characters(): string {
    this.#characters ??= this.bytes.toString('latin1')
    return this.#characters
  }
}

/** Searches for what a pattern requires. */
export interface Search {
  /** The first occurrence at or after `from`; -1 if there is none. */
  find(searched: Searched, from: number): number
  /** The text searched for, if it is a single one. */
  readonly text: Buffer | undefined
}

export function createSearch({ sequences }: Required): Search {
  const [only, ...others] = sequences
  if (only !== undefined && others.length === 0 && only.every((set) => set.length === 1)) {
    const text = Buffer.from(String.fromCodePoint(...only.flat()))
    return { text, find: ({ bytes }, from) => bytes.indexOf(text, from) }
  }
  // It has no repetition: V8 takes time linear in the text (0.6 to 1.8 GB/s).
  const expression = new RegExp(sequences.map((sequence) => sequence.map(oneOf).join('')).join('|'), 'g')
  return {
    text: undefined,
    find({ characters }, from) {
      expression.lastIndex = from
      return expression.exec(characters)?.index ?? -1
    },
  }
}

/** An expression for one of the characters, as its UTF-8 bytes. */
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
