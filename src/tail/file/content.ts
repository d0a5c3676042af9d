import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Fault, type Files, readExactly } from './files.ts'

/** The bytes of one generation by position, wherever they are stored. */
export interface Content {
  /** Never written to: what was read from it needs no recheck. */
  readonly isFixed: boolean
  /** Fills `into` from `position` on; fewer bytes only at the end, 0 past it. */
  read(into: Uint8Array, position: number): Promise<number | Fault>
  /**
   * The `length` bytes before `position`, which must lie within or before the range of the last read; undefined when
   * they are not, or no longer, there.
   */
  before(position: number, length: number): Buffer | undefined | Fault
  close(): void
}

const CLOSED = new Fault('EBADF', 'its file has been let go of')

export function plainContent(files: Files, fd: number): Content {
  // The number of a closed descriptor may be reused for another file at once: it must not be used again.
  let isOpen = true
  return {
    isFixed: false,
    read: async (into, position) => (isOpen ? files.read(fd, into, position) : CLOSED),
    before: (position, length) => (isOpen ? readExactly(files, fd, { position: position - length, length }) : CLOSED),
    close() {
      if (isOpen) files.close(fd)
      isOpen = false
    },
  }
}

/** How many bytes before the position of the last read are kept for `before`. */
const KEPT_BYTES = 1024

/**
 * Reads a gzip archive (of one or more members) as if it were the plain file. It is inflated forward; a position before the
 * last read is reached by inflating from the start again. Keeps the last read, and what was inflated beyond it, in memory.
 * The caller closes the descriptor.
 */
export function archiveContent(files: Files, fd: number): Content {
  let isOpen = true
  let inflated = inflate(files, fd)
  let window: Buffer = Buffer.alloc(0)
  let windowStart = 0
  let ended = false
  /** A read failed midway: the window cannot be trusted. */
  let broken = false

  async function restart(): Promise<void> {
    await inflated.return(undefined)
    inflated = inflate(files, fd)
    window = Buffer.alloc(0)
    windowStart = 0
    ended = false
    broken = false
  }

  /** Inflates until the window reaches `end` or the content ends; drops what lies before `keepFrom`. */
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
    isFixed: true,
    async read(into, position) {
      if (!isOpen) return CLOSED
      try {
        const keepFrom = Math.max(0, position - KEPT_BYTES)
        if (broken || keepFrom < windowStart) await restart()
        await reach(position + into.length, keepFrom)
        const piece = window.subarray(Math.max(0, position - windowStart), position - windowStart + into.length)
        into.set(piece)
        return piece.length
      } catch (error) {
        broken = true
        return faultOfInflating(error)
      }
    },
    before(position, length) {
      if (!isOpen) return CLOSED
      const from = position - length - windowStart
      const bytes = from < 0 ? undefined : window.subarray(from, from + length)
      return bytes?.length === length ? bytes : undefined
    },
    close() {
      if (!isOpen) return
      isOpen = false
      void inflated.return(undefined).catch(() => undefined)
    },
  }
}

const BLOCK_BYTES = 64 * 1024

/**
 * Yields the inflated content of an archive from its beginning, piece by piece. Throws errors that `faultOfInflating`
 * converts.
 */
export async function* inflate(files: Files, fd: number): AsyncGenerator<Buffer, undefined, undefined> {
  const source = Readable.from(compressedBlocks(files, fd), { objectMode: false })
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

async function* compressedBlocks(files: Files, fd: number): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const block = Buffer.allocUnsafe(BLOCK_BYTES)
    const count = await files.read(fd, block, position)
    if (count instanceof Fault) throw Object.assign(new Error(count.message), { code: count.code })
    if (count === 0) return
    yield block.subarray(0, count)
    position += count
  }
}

export function faultOfInflating(error: unknown): Fault {
  if (error instanceof Error && 'code' in error) return new Fault(String(error.code), error.message)
  throw error
}

/** Whether zlib found data that is cut short or damaged; any other fault says nothing about the content. */
export function isIncomplete({ code }: Fault): boolean {
  return code === 'Z_BUF_ERROR' || code === 'Z_DATA_ERROR'
}
