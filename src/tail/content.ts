import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { Fault, type Files, readExactly } from './files.ts'

/** The bytes of one generation, by position, wherever they are. */
export interface Content {
  /** Fills `into` from `position` on; fewer bytes only at the end, 0 behind it. */
  read(into: Uint8Array, position: number): Promise<number | Fault>
  /**
   * The `length` bytes before `position`, which must lie within or before the range of the last read; undefined when
   * they are not there (any more).
   */
  before(position: number, length: number): Buffer | Fault | undefined
  close(): void
}

export function plainContent(files: Files, fd: number): Content {
  return {
    read: (into, position) => files.read(fd, into, position),
    before: (position, length) => readExactly(files, fd, { position: position - length, length }),
    close: () => files.close(fd),
  }
}

/** Kept before the position of the last read, for `before`. */
const KEPT_BYTES = 1024

/**
 * A gzip archive (also of several members) as if it were the plain file. It is inflated forward; a position before the
 * last read is reached by inflating from the start again. Memory: the last read and what was inflated beyond it.
 */
export function archiveContent(path: string): Content {
  let inflated = inflate(path)
  let window: Buffer = Buffer.alloc(0)
  let windowStart = 0
  let ended = false

  async function restart(): Promise<void> {
    await inflated.return(undefined)
    inflated = inflate(path)
    window = Buffer.alloc(0)
    windowStart = 0
    ended = false
  }

  /** Inflates until the window reaches `end` or the content ends, dropping what lies before `keepFrom`. */
  async function reach(end: number, keepFrom: number): Promise<void> {
    let pieces = [window]
    let at = windowStart + window.length
    while (at < end && !ended) {
      const next = await inflated.next()
      if (next.done) {
        ended = true
        break
      }
      if (at <= keepFrom - next.value.length) {
        windowStart = at
        pieces = []
      }
      pieces.push(next.value)
      at += next.value.length
    }
    window = Buffer.concat(pieces)
    const drop = Math.max(0, Math.min(window.length, keepFrom - windowStart))
    window = window.subarray(drop)
    windowStart += drop
  }

  return {
    async read(into, position) {
      try {
        const keepFrom = Math.max(0, position - KEPT_BYTES)
        if (keepFrom < windowStart) await restart()
        await reach(position + into.length, keepFrom)
        const piece = window.subarray(Math.max(0, position - windowStart), position - windowStart + into.length)
        into.set(piece)
        return piece.length
      } catch (error) {
        return archiveFault(error)
      }
    },
    before(position, length) {
      const from = position - length - windowStart
      const bytes = from < 0 ? undefined : window.subarray(from, from + length)
      return bytes?.length === length ? bytes : undefined
    },
    close: () => void inflated.return(undefined).catch(() => undefined),
  }
}

/** What an archive holds, found by inflating all of it once. */
export type ArchiveFacts =
  | { readonly kind: 'complete'; readonly size: number }
  | { readonly kind: 'incomplete'; readonly reason: string }

/** Inflates the whole archive, passing each piece by; memory stays at one piece. */
export async function inspectArchive(path: string, onPiece: (piece: Buffer) => void): Promise<ArchiveFacts> {
  let size = 0
  try {
    for await (const piece of inflate(path)) {
      size += piece.length
      onPiece(piece)
    }
    return { kind: 'complete', size }
  } catch (error) {
    return { kind: 'incomplete', reason: archiveFault(error).message }
  }
}

/** The first `length` inflated bytes, or fewer; undefined when there is no gzip data yet. */
export async function archiveHead(path: string, length: number): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of inflate(path)) {
      pieces.push(piece)
      size += piece.length
      if (size >= length) break
    }
  } catch (error) {
    archiveFault(error)
  }
  return size === 0 ? undefined : Buffer.concat(pieces).subarray(0, length)
}

async function* inflate(path: string): AsyncGenerator<Buffer, undefined, undefined> {
  const source = createReadStream(path)
  const gunzip = createGunzip({ chunkSize: 256 * 1024 })
  source.on('error', (error) => gunzip.destroy(error))
  source.pipe(gunzip)
  try {
    for await (const piece of gunzip) yield piece as Buffer
  } finally {
    source.destroy()
    gunzip.destroy()
  }
  return undefined
}

function archiveFault(error: unknown): Fault {
  if (error instanceof Error && 'code' in error) return new Fault(String(error.code), error.message)
  throw error
}
