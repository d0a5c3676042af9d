import fs from 'node:fs'
import { bytesOf, isDoubtful, nameOf, pathOf } from './file-name.ts'

/** A file-system error: an errno code such as `ENOENT`, and a sentence for the operator. */
export class Fault {
  readonly code: string
  readonly message: string
  constructor(code: string, message: string) {
    this.code = code
    this.message = message
  }
}

/**
 * Not an error, but undecidable for now. Recognised by its class, as a file system may return any errno code: FUSE returns
 * EAGAIN.
 */
export class TooEarly extends Fault {
  constructor(message: string) {
    super('EARLY', message)
  }
}

/** Whether nothing exists at the path, as opposed to something that cannot be accessed. */
export function isAbsent({ code }: Fault): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Whether the path leads to no file, or to links that form a loop. */
export function leadsNowhere(fault: Fault): boolean {
  return isAbsent(fault) || fault.code === 'ELOOP'
}

export interface FileFacts {
  readonly dev: string
  readonly ino: string
  /** Birth time in ns, "0" where unknown. */
  readonly birth: string
  readonly size: number
  readonly mtimeMs: number
  readonly links: number
  readonly kind: 'file' | 'directory' | 'other'
}

/** A directory entry. `other` includes entries whose kind only a stat shows, above all symbolic links. */
export interface Entry {
  readonly name: string
  readonly kind: FileFacts['kind']
}

/**
 * The file system as tailing needs it. File-system errors are returned, not thrown. Metadata calls are synchronous: they
 * cost about 2 µs each where a trip through the thread pool costs 30.
 */
export interface Files {
  /** Follows symbolic links. */
  stat(path: string): FileFacts | Fault
  open(path: string): number | Fault
  facts(fd: number): FileFacts | Fault
  read(fd: number, into: Uint8Array, position: number): Promise<number | Fault>
  readSync(fd: number, into: Uint8Array, position: number): number | Fault
  /** An error is ignored: Linux has released the descriptor by then (close(2)). */
  close(fd: number): void
  list(directory: string): readonly Entry[] | Fault
  realpath(path: string): string | Fault
}

export const nodeFiles: Files = {
  stat: (path) => attempt(() => factsOf(fs.statSync(bytesOf(path), { bigint: true }))),
  open: (path) => attempt(() => fs.openSync(bytesOf(path), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)),
  facts: (fd) => attempt(() => factsOf(fs.fstatSync(fd, { bigint: true }))),
  read: (fd, into, position) =>
    new Promise((resolve) => {
      fs.read(fd, into, 0, into.length, position, (error, count) => resolve(error ? faultOf(error) : count))
    }),
  readSync: (fd, into, position) => attempt(() => fs.readSync(fd, into, 0, into.length, position)),
  close: (fd) => void attempt(() => fs.closeSync(fd)),
  list: (directory) => attempt(() => list(bytesOf(directory))),
  realpath: (path) => attempt(() => realpath(bytesOf(path))),
}

/** Reads names as bytes only when necessary, as that takes longer. */
function list(directory: string | Buffer): readonly Entry[] {
  const entries = fs.readdirSync(directory, { withFileTypes: true })
  if (!entries.some(({ name }) => isDoubtful(name))) return entries.map((entry) => entryOf(entry, entry.name))
  return fs
    .readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })
    .map((entry) => entryOf(entry, nameOf(entry.name)))
}

function realpath(path: string | Buffer): string {
  const real = fs.realpathSync.native(path)
  return isDoubtful(real) ? pathOf(fs.realpathSync.native(path, 'buffer')) : real
}

function attempt<T>(call: () => T): T | Fault {
  try {
    return call()
  } catch (error) {
    return faultOf(error)
  }
}

function faultOf(error: unknown): Fault {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return new Fault(error.code, error.message)
  }
  throw error
}

function factsOf(stats: fs.BigIntStats): FileFacts {
  return {
    dev: stats.dev.toString(),
    ino: stats.ino.toString(),
    birth: stats.birthtimeNs.toString(),
    size: Number(stats.size),
    mtimeMs: Number(stats.mtimeMs),
    links: Number(stats.nlink),
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
  }
}

function entryOf(entry: fs.Dirent<string | Buffer>, name: string): Entry {
  return { name, kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other' }
}

/** Opens a file for the duration of `look`. */
export function withFile<T>(files: Files, path: string, look: (fd: number, facts: FileFacts) => T): T | Fault {
  const fd = files.open(path)
  if (fd instanceof Fault) return fd
  try {
    const facts = files.facts(fd)
    return facts instanceof Fault ? facts : look(fd, facts)
  } finally {
    files.close(fd)
  }
}

/** Reads exactly `[position, position + length)`; undefined if the file is shorter, a fault if it cannot be read. */
export function readExactly(
  files: Files,
  fd: number,
  { position, length }: { position: number; length: number },
): Buffer | Fault | undefined {
  const buffer = Buffer.allocUnsafe(length)
  const count = files.readSync(fd, buffer, position)
  if (count instanceof Fault) return count
  return count === length ? buffer : undefined
}

/**
 * Copies bytes into memory of their own: small buffers are slices of 64 KiB slabs (Buffer.poolSize), each of which keeps
 * its slab alive.
 */
export function keep(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}
