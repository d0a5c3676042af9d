/**
 * The program that receives the requests. It must never be the bottleneck, so it reads into one buffer, looks only for the
 * end of each header and its content-length, and discards the rest.
 */
import { createServer, Socket, type SocketConstructorOpts } from 'node:net'
import { monotonicMs } from './statistics.ts'

/** The sink's answer to every message from its parent. */
export interface SinkFigures {
  readonly port: number
  readonly requests: number
  /** Total size of the bodies. */
  readonly bytes: number
  /** When the first request with lines began and the last body ended, ms of the monotonic clock; 0 if not yet. */
  readonly firstAtMs: number
  readonly lastAtMs: number
}

const answer = 'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'
const nothing = { requests: 0, bytes: 0, firstAtMs: 0, lastAtMs: 0 }
const buffer = Buffer.allocUnsafeSlow(1_048_576)
let counts = { ...nothing }
/** A connection check sends `{}`, possibly compressed: such a short body carries no lines. */
const longestProbe = 64

/** Counts the requests of one connection, however they are split into pieces. */
function requestCounter(reply: () => void): (piece: Buffer) => void {
  let head = ''
  let left = 0
  let beganAtMs = 0
  return (piece) => {
    let at = 0
    while (at < piece.length) {
      if (left === 0) {
        const before = head.length
        if (before === 0) beganAtMs = monotonicMs()
        head += piece.toString('latin1', at, Math.min(piece.length, at + 16_384))
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        at += end + 4 - before
        left = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
        head = ''
        if (counts.firstAtMs === 0 && left > longestProbe) counts.firstAtMs = beganAtMs
        counts.bytes += left
      }
      const taken = Math.min(left, piece.length - at)
      at += taken
      left -= taken
      if (left > 0) return
      counts.requests += 1
      counts.lastAtMs = monotonicMs()
      reply()
    }
  }
}

/**
 * `onread` halves the cost of reading, but a server's sockets do not take it: so a new socket is made around the accepted
 * one's handle, the only use of an API here that is not public.
 */
function readingSocket(accepted: Socket): Socket {
  const { _handle: handle } = accepted as Socket & { readonly _handle: unknown }
  const callback = (length: number) => {
    count(buffer.subarray(0, length))
    return true
  }
  const socket = new Socket({ handle, onread: { buffer, callback } } as SocketConstructorOpts)
  const count = requestCounter(() => socket.write(answer))
  return socket
}

const server = createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
  const socket = readingSocket(accepted)
  socket.on('error', () => socket.destroy())
  socket.resume()
})

function tell(): void {
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const figures: SinkFigures = { port, ...counts }
  process.send?.(figures)
}

server.listen(0, '127.0.0.1', tell)
process.on('message', (question) => {
  if (question === 'reset') counts = { ...nothing }
  tell()
})
process.once('disconnect', () => process.exit())
