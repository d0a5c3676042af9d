import { Buffer } from 'node:buffer'
import type { Transform } from 'node:stream'
import { constants, createGzip, createZstdCompress, type ZlibReset } from 'node:zlib'
import type { Compression } from '../config/config.ts'
import { createPool, type Pool } from './pool.ts'

/** The smallest output buffer; larger ones are powers of two. */
const MIN_CAPACITY = 1_048_576

export interface Codec {
  readonly compression: Exclude<Compression, 'none'>
  readonly level: number
}

/** Bytes in reusable memory: release once nothing reads them any more. */
export interface Frame {
  readonly bytes: Uint8Array
  release(): void
}

/** Turns every write into a frame of its own. */
interface Context {
  readonly stream: Transform & Output
  /** Limit of one write's output. */
  readonly capacity: number
  /** Called between frames. */
  renew(): void
}

/**
 * The offset at which node:zlib writes to its buffer. Undocumented, but as old as the module; without it frames would still
 * be complete, only not in the same buffer.
 */
interface Output {
  _outOffset: number
}

const pools = new Map<string, Pool<Context>>()

/**
 * Compresses pieces as one frame in a thread of libuv. Settles only when that thread has stopped reading the pieces.
 *
 * Contexts are reused, which saves a third of the CPU time with zstd 1, and so are their output buffers: the garbage of every
 * body made V8 collect its whole heap every ten bodies. A frame is one write, because zstd then knows its size in advance and
 * puts it into the header, where receivers look for it; and as the output buffer can hold any result (ZSTD_compressBound),
 * zstd compresses from one buffer to the other without a window of its own: another eighth.
 */
export async function compress(pieces: readonly Uint8Array[], codec: Codec): Promise<Frame> {
  const [first] = pieces
  const whole = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces)
  const pool = poolOf(codec)
  const context = takeContext(pool, boundOf(whole.length)) ?? openContext(codec, boundOf(whole.length))
  const bytes = await frameOf(context, whole)
  return { bytes, release: () => pool.give(context) }
}

/** More than ZSTD_compressBound and deflateBound return. */
function boundOf(bytes: number): number {
  return bytes + (bytes >> 7) + 1024
}

function poolOf({ compression, level }: Codec): Pool<Context> {
  const key = `${compression}:${level}`
  const pool = pools.get(key) ?? createPool<Context>(close)
  pools.set(key, pool)
  return pool
}

/** Contexts that are too small are closed: bodies have become larger. */
function takeContext(pool: Pool<Context>, capacity: number): Context | undefined {
  for (let context = pool.take(); context; context = pool.take()) {
    if (context.capacity >= capacity) return context
    close(context)
  }
  return undefined
}

function close({ stream }: Context): void {
  stream.destroy()
}

function openContext({ compression, level }: Codec, bound: number): Context {
  const capacity = Math.max(MIN_CAPACITY, 2 ** Math.ceil(Math.log2(bound)))
  if (compression === 'gzip') {
    const stream = createGzip({ level, chunkSize: capacity, flush: constants.Z_FINISH })
    // Documented for deflate streams, which gzip is; its type omits it.
    const { reset } = stream as typeof stream & ZlibReset
    return { stream: withOutput(stream), capacity, renew: () => reset.call(stream) }
  }
  const params = { [constants.ZSTD_c_compressionLevel]: level }
  const stream = createZstdCompress({ chunkSize: capacity, params, flush: constants.ZSTD_e_end })
  return { stream: withOutput(stream), capacity, renew: () => undefined }
}

function withOutput(stream: Transform): Transform & Output {
  return stream as Transform & Output
}

/** A stream that fails destroys itself. */
function frameOf({ stream, renew }: Context, whole: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  const output: Buffer[] = []
  const gather = (piece: Buffer) => output.push(piece)
  stream.on('data', gather)
  stream.once('error', reject)
  stream._outOffset = 0
  stream.write(whole, (error) => {
    if (error) return
    stream.off('data', gather)
    stream.off('error', reject)
    renew()
    resolve(output.length === 1 && output[0] !== undefined ? output[0] : Buffer.concat(output))
  })
  return promise
}
