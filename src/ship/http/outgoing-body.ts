import { Buffer } from 'node:buffer'

/** Bytes to send back to back. Their memory is used again as soon as the request has settled. */
export interface BodyBytes {
  readonly pieces: readonly Uint8Array[]
}

export interface OutgoingBody {
  readonly length: number
  chunks(): Iterable<Uint8Array>
  /**
   * The socket has taken the last chunk. undici asks for the next one when `write` did not answer false, else after
   * `drain`, which comes in the same turn of the loop as the write and before anything is read: a server that
   * answers once it has read everything is never taken for one that answers earlier.
   */
  isSent(): boolean
  /** Afterwards the pieces are not looked at any more. */
  release(): void
}

/** What a socket of undici takes before `write` answers false: `highWaterMark` in its connector. */
const SOCKET_HIGH_WATER_MARK = 65_536
/** node:tls encrypts a whole chunk at once and keeps the result in memory, so chunks bound what a connection needs. */
const TLS_CHUNK = 262_144

/**
 * Hands borrowed memory to a connection so that nothing reads it once the request has settled, also when the server
 * answered before it had read the request, and when the request was cut off:
 * - Plain sockets. libuv writes from our memory. A chunk of at least the high-water mark makes `write` answer false, so
 *   undici marks the socket as writing until `drain`, when the kernel has everything; smaller chunks do not, so those are
 *   copied. An answer that comes while the socket is writing makes undici destroy it, and so does an abort: both close
 *   the descriptor before anything else runs.
 * - TLS. node:tls encrypts or copies on write, but an HTTP/2 stream queues by reference under flow control, and outlives
 *   its reset by some turns of the loop. Which protocol it is shows only after connecting: chunks are copied.
 */
export function outgoingBody(body: BodyBytes, secure: boolean): OutgoingBody {
  const length = body.pieces.reduce((sum, piece) => sum + piece.length, 0)
  let released = false
  let sent = length === 0
  function* chunks(): Generator<Uint8Array> {
    for (const piece of body.pieces) {
      const step = secure ? TLS_CHUNK : Math.max(piece.length, 1)
      for (let at = 0; at < piece.length; at += step) {
        if (released) return
        const chunk = piece.subarray(at, at + step)
        const copy = secure || chunk.length < SOCKET_HIGH_WATER_MARK
        yield copy ? Buffer.from(chunk) : chunk
      }
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
