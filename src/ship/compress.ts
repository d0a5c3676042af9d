import { constants, createGzip, createZstdCompress } from 'node:zlib'
import type { Compression } from '../config/config.ts'

/**
 * Output is gathered in pieces of this size. Measured with zstd 1 on 5 MB bodies: 16 KiB (Node's default) costs 2.5 CPU
 * seconds per GB, 64 KiB to 1 MiB 1.5 to 1.8; a body of 5 MB usually comes out below 1 MiB.
 */
const CHUNK_BYTES = 1_048_576

export interface Codec {
  readonly compression: Exclude<Compression, 'none'>
  readonly level: number
}

/**
 * Compresses pieces as one frame, in libuv's pool. Settles only when the pool has stopped reading the pieces. They are
 * streamed because joining them first would cost more than zstd saves: 0.6 CPU seconds per GB, most of it page faults.
 */
export async function compress(pieces: readonly Uint8Array[], codec: Codec): Promise<Uint8Array> {
  const stream = openStream(
    codec,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  )
  for (const piece of pieces.slice(0, -1)) stream.write(piece)
  stream.end(pieces.at(-1))
  const output: Uint8Array[] = []
  for await (const chunk of stream) output.push(chunk)
  return output.length === 1 && output[0] !== undefined ? output[0] : Buffer.concat(output)
}

function openStream({ compression, level }: Codec, length: number) {
  if (compression === 'gzip') return createGzip({ level, chunkSize: CHUNK_BYTES })
  return createZstdCompress({
    chunkSize: CHUNK_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: level },
    // Puts the size into the frame's header, so that a receiver can refuse or make room before it decompresses.
    pledgedSrcSize: length,
  })
}
