import { NEWLINE } from '../../chunk.ts'
import type { Encoding } from '../../config/config.ts'

export type ForeignEncoding = Exclude<Encoding, 'utf-8'>

/** How the lines of an encoding other than UTF-8 are found and decoded. Positions are file offsets. */
export interface LineCode {
  /** Length in bytes of a newline, and of a NUL; lines begin at multiples of it. */
  readonly unit: 1 | 2
  /** Returns the index in `bytes`, which lie at `position`, of the first newline at or after `from`; -1 if there is none. */
  newline(bytes: Buffer, from: number, position: number): number
  /**
   * Decodes a line, or the pieces of one in turn. Invalid text becomes U+FFFD. At the file's start the byte order mark is
   * dropped.
   */
  decoder(position: number): TextDecoder
}

function lineCodeOf(label: string, unit: 1 | 2, newline: LineCode['newline']): LineCode {
  return { unit, newline, decoder: (position) => new TextDecoder(label, { ignoreBOM: position > 0 }) }
}

/** A newline is a code unit at an even offset: a lone byte 0x0A may be part of another character. */
function utf16Newline(newlineByte: 0 | 1): LineCode['newline'] {
  return (bytes, from, position) => {
    for (let at = bytes.indexOf(NEWLINE, from); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
      const begin = at - newlineByte
      const isAligned = begin >= from && (position + begin) % 2 === 0
      if (isAligned && bytes[begin + 1 - newlineByte] === 0) return begin
    }
    return -1
  }
}

const CODES: Readonly<Record<ForeignEncoding, LineCode>> = {
  'utf-16-le': lineCodeOf('utf-16le', 2, utf16Newline(0)),
  'utf-16-be': lineCodeOf('utf-16be', 2, utf16Newline(1)),
  // Trail bytes of Shift-JIS begin at 0x40: a byte 0x0A is always a newline.
  'shift-jis': lineCodeOf('shift_jis', 1, (bytes, from) => bytes.indexOf(NEWLINE, from)),
}

export function lineCode(encoding: ForeignEncoding): LineCode {
  return CODES[encoding]
}

/** Returns the index in `bytes`, which lie at `position`, just after the last newline; 0 if there is none. */
export function lastLineEnd(bytes: Buffer, position: number, encoding: Encoding): number {
  if (encoding === 'utf-8') return bytes.lastIndexOf(NEWLINE) + 1
  const { unit, newline } = lineCode(encoding)
  let end = 0
  for (let at = newline(bytes, 0, position); at >= 0; at = newline(bytes, end, position)) end = at + unit
  return end
}
