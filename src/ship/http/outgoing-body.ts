import { Buffer } from 'node:buffer'

/** Bytes to send back to back. Their memory is reused as soon as the request has settled. */
export interface BodyBytes {
  readonly pieces: readonly Uint8Array[]
}

export interface OutgoingBody {
  readonly length: number
  chunks(): Iterable<Uint8Array>
  /** Whether the socket has accepted the last chunk; `outgoingBody` says when that is known. */
  isSent(): boolean
  /** Ends `chunks`: the pieces are not read afterwards. */
  release(): void
}

export function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}

/** What a socket of undici buffers before `write` returns false: `highWaterMark` in its connector. */
const SOCKET_HIGH_WATER_MARK = 65_536
/** node:tls encrypts a whole chunk at once and keeps the result in memory, so the chunk size bounds a connection's memory. */
const TLS_CHUNK = 262_144

/**
 * Lends memory to a connection so that nothing reads it once the request has settled, even if the server responded before it
 * had read the request, or the request was aborted:
 * - Plain sockets. libuv writes from our memory. A chunk of at least the high-water mark makes `write` return false, so
 *   undici marks the socket as writing until `drain`, when the kernel has everything; smaller chunks do not, so they are
 *   copied. A response that arrives while the socket is writing makes undici destroy it, and so does an abort: both close the
 *   descriptor before anything else runs.
 * - TLS. node:tls encrypts or copies on write, but an HTTP/2 stream queues by reference under flow control, and outlives its
 *   reset by several turns of the event loop. Which protocol is used is known only after connecting, so chunks are copied.
 *
 * A server that responds once it has read everything must never be mistaken for one that responds earlier. undici asks for the
 * next chunk at once if `write` did not return false, else after `drain`. A plain socket drains in the same turn of the event
 * loop as the write, before anything is read. node:tls reports `drain` a turn later, when the response may have been read.
 * With TLS, the last byte is therefore a chunk of its own: everything before it has drained, and its `write` does not return
 * false.
 */
export function outgoingBody(body: BodyBytes, secure: boolean): OutgoingBody {
  const length = lengthOf(body.pieces)
  let released = false
  let sent = length === 0
  function* chunks(): Generator<Uint8Array> {
    for (const chunk of secure ? tlsChunks(body.pieces) : body.pieces) {
      if (released) return
      if (chunk.length === 0) continue
      const copy = secure || chunk.length < SOCKET_HIGH_WATER_MARK
      yield copy ? Buffer.from(chunk) : chunk
    }
    sent ||= !released
  }
  return {
    length,
    chunks,
    isSent: () => sent,
    release() {
      released = true
    },
  }
}

function* tlsChunks(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const [index, piece] of pieces.entries()) {
    const end = index === pieces.length - 1 ? piece.length - 1 : piece.length
    for (let at = 0; at < end; at += TLS_CHUNK) yield piece.subarray(at, Math.min(at + TLS_CHUNK, end))
    yield piece.subarray(Math.max(end, 0))
  }
}
