import { Buffer } from 'node:buffer'
import type { Transform } from 'node:stream'
import { constants, createGzip, createZstdCompress, type ZlibReset } from 'node:zlib'
import type { Compression } from '../config/config.ts'
import { createSpares, type Spares } from './spares.ts'

/** Room for output grows in powers of two from here on. */
const LEAST_CAPACITY = 1_048_576

export interface Codec {
  readonly compression: Exclude<Compression, 'none'>
  readonly level: number
}

/** Bytes in memory that is used again: to be released once nobody reads them any more. */
export interface Frame {
  readonly bytes: Uint8Array
  release(): void
}

/** Makes a frame of its own of every write. */
interface Context {
  readonly stream: Transform & Output
  /** What the output of one write may come to. */
  readonly capacity: number
  /** Called between two frames. */
  renew(): void
}

/**
 * From where on node:zlib writes to its memory. Not documented, but as old as the module; without it a frame would come
 * whole all the same, and not into the same memory.
 */
interface Output {
  _outOffset: number
}

const sparesByCodec = new Map<string, Spares<Context>>()

/**
 * Compresses pieces as one frame, in libuv's pool. Settles only when the pool has stopped reading the pieces.
 *
 * Contexts are used again and again, which saves a third of the CPU time with zstd 1, and so is the memory of their output:
 * what was left behind with every body made V8 collect its whole heap every ten bodies. A frame is one write, because zstd
 * then knows its size in advance and puts it into the header, where receivers look for it; and as the output has room for
 * whatever may come of it (ZSTD_compressBound), zstd compresses from one memory to the other without a window of its own:
 * another eighth.
 */
export async function compress(pieces: readonly Uint8Array[], codec: Codec): Promise<Frame> {
  const [first] = pieces
  const whole = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces)
  const spares = sparesOf(codec)
  const context = takeContext(spares, boundOf(whole.length)) ?? openContext(codec, boundOf(whole.length))
  const bytes = await frameOf(context, whole)
  return { bytes, release: () => spares.give(context) }
}

/** More than what ZSTD_compressBound and deflateBound say. */
function boundOf(bytes: number): number {
  return bytes + (bytes >> 7) + 1024
}

function sparesOf({ compression, level }: Codec): Spares<Context> {
  const key = `${compression}:${level}`
  const spares = sparesByCodec.get(key) ?? createSpares<Context>(close)
  sparesByCodec.set(key, spares)
  return spares
}

/** Those that are too small go: bodies have become larger. */
function takeContext(spares: Spares<Context>, capacity: number): Context | undefined {
  for (let context = spares.take(); context; context = spares.take()) {
    if (context.capacity >= capacity) return context
    close(context)
  }
  return undefined
}

function close({ stream }: Context): void {
  stream.destroy()
}

function openContext({ compression, level }: Codec, bound: number): Context {
  const capacity = Math.max(LEAST_CAPACITY, 2 ** Math.ceil(Math.log2(bound)))
  if (compression === 'gzip') {
    const stream = createGzip({ level, chunkSize: capacity, flush: constants.Z_FINISH })
    // Documented for what deflates, which gzip does; its type leaves it out.
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
