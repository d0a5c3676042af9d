import { isUtf8 } from 'node:buffer'

/**
 * Linux names files in bytes. A name that is not UTF-8 is a string all the same: its bytes from 0x80 on stand as U+DC80
 * to U+DCFF, which no UTF-8 is decoded to (as with Python's `surrogateescape`, but for the whole name).
 */
export function nameOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  return bytes.toString('latin1').replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)))
}

export function pathOf(bytes: Buffer): string {
  const names = bytes.toString('latin1').split('/')
  return names.map((name) => nameOf(Buffer.from(name, 'latin1'))).join('/')
}

/** A path as the file system knows it. */
export function bytesOf(path: string): string | Buffer {
  if (path.isWellFormed()) return path
  const pieces = path.split(/([\udc80-\udcff]+)/u)
  return Buffer.concat(pieces.map((piece, index) => Buffer.from(piece, index % 2 === 0 ? 'utf8' : 'latin1')))
}

/** Whether bytes may have got lost when a name was decoded as UTF-8. */
export function isDoubtful(name: string): boolean {
  return name.includes('\ufffd')
}
