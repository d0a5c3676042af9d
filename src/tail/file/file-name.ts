import { isUtf8 } from 'node:buffer'

/**
 * File names on Linux are bytes. In the string for a name that is not UTF-8, bytes from 0x80 on become U+DC80 to U+DCFF,
 * which decoding UTF-8 never yields (like Python's `surrogateescape`, but for the whole name).
 */
export function nameOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  return bytes.toString('latin1').replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)))
}

export function pathOf(bytes: Buffer): string {
  const names = bytes.toString('latin1').split('/')
  return names.map((name) => nameOf(Buffer.from(name, 'latin1'))).join('/')
}

/** The reverse: returns a path as the file system knows it. */
export function bytesOf(path: string): string | Buffer {
  if (path.isWellFormed()) return path
  const pieces = path.split(/([\udc80-\udcff]+)/u)
  return Buffer.concat(pieces.map((piece, index) => Buffer.from(piece, index % 2 === 0 ? 'utf8' : 'latin1')))
}

/** Whether decoding a name as UTF-8 may have lost bytes. */
export function isDoubtful(name: string): boolean {
  return name.includes('\ufffd')
}
