import { Buffer } from 'node:buffer'
import type { Transform } from 'node:stream'
import { constants, createGzip, createZstdCompress, type ZlibReset } from 'node:zlib'
import type { Compression } from '../config/config.ts'

/** Output is gathered in memory of this size, which the frames of several bodies share. */
const CHUNK_BYTES = 1_048_576
/** Contexts that nobody has needed for so long are let go of. */
const KEPT_MS = 30_000

export interface Codec {
  readonly compression: Exclude<Compression, 'none'>
  readonly level: number
}

/** Makes a frame of its own of every write. */
interface Context {
  readonly stream: Transform
  /** Called between two frames. */
  renew(): void
}

const idle = new Map<string, Context[]>()
let expiry: NodeJS.Timeout | undefined

/**
 * Compresses pieces as one frame, in libuv's pool. Settles only when the pool has stopped reading the pieces.
 *
 * Contexts are used again and again: made anew for every body they cost 0.2 CPU seconds per GB with zstd 1, and what they
 * leave behind made V8 collect its whole heap every ten bodies, another 0.6. A frame is one write, because zstd then
 * knows its size in advance and puts it into the header, where receivers look for it. So several pieces, as a part of a
 * batch has them, are joined first.
 */
export async function compress(pieces: readonly Uint8Array[], codec: Codec): Promise<Uint8Array> {
  const [first] = pieces
  const whole = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces)
  const contexts = contextsOf(codec)
  const context = contexts.pop() ?? openContext(codec)
  const frame = await frameOf(context, whole)
  contexts.push(context)
  expiry ??= setTimeout(letGo, KEPT_MS).unref()
  expiry.refresh()
  return frame
}

function contextsOf({ compression, level }: Codec): Context[] {
  const key = `${compression}:${level}`
  const contexts = idle.get(key) ?? []
  idle.set(key, contexts)
  return contexts
}

function openContext({ compression, level }: Codec): Context {
  if (compression === 'gzip') {
    const stream = createGzip({ level, chunkSize: CHUNK_BYTES, flush: constants.Z_FINISH })
    // Documented for what deflates, which gzip does; its type leaves it out.
    const { reset } = stream as typeof stream & ZlibReset
    return { stream, renew: () => reset.call(stream) }
  }
  const params = { [constants.ZSTD_c_compressionLevel]: level }
  const stream = createZstdCompress({ chunkSize: CHUNK_BYTES, params, flush: constants.ZSTD_e_end })
  return { stream, renew: () => undefined }
}

function frameOf({ stream, renew }: Context, whole: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  const output: Buffer[] = []
  const gather = (piece: Buffer) => output.push(piece)
  stream.on('data', gather)
  stream.once('error', reject)
  stream.write(whole, (error) => {
    if (error) return
    stream.off('data', gather)
    stream.off('error', reject)
    renew()
    resolve(output.length === 1 && output[0] !== undefined ? output[0] : Buffer.concat(output))
  })
  return promise
}

function letGo(): void {
  for (const contexts of idle.values()) for (const { stream } of contexts.splice(0)) stream.destroy()
}
