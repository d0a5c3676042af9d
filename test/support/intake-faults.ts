import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/**
 * What an intake does with a request instead of just accepting it. `at` of a reset: before, in the middle of, or after
 * reading the body. All faults except `answer` and `early` need HTTP/1.
 */
export type Fault =
  /** A complete answer; 200 to 206 count as accepted. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Headers; readonly body?: string }
  /** Likewise, but before the body has been read. */
  | { readonly kind: 'early'; readonly status: number; readonly headers?: Headers; readonly body?: string }
  /** Accepts after a delay. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Accepts once the test resolves `until`. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  /** Accepts, answers with HTTP/1.0 and closes. */
  | { readonly kind: 'http-1.0' }
  /** Accepts, but loses the answer. */
  | { readonly kind: 'lost-reply' }
  | { readonly kind: 'reset'; readonly at: 'headers' | 'body' | 'answer' }
  /** Never answers. */
  | { readonly kind: 'silence' }
  /** Closes its half of the connection without an answer. */
  | { readonly kind: 'half-close' }
  /** Sends bytes that are not HTTP. */
  | { readonly kind: 'garbage' }
  /** Sends only the beginning of a valid answer. */
  | { readonly kind: 'partial-headers' }
  | { readonly kind: 'partial-body' }
  /** Sends a valid answer whose body never ends, slowly or as fast as it is read. */
  | { readonly kind: 'endless'; readonly pace: 'slow' | 'fast' }
  /** Sends a valid answer, a byte at a time. */
  | { readonly kind: 'slow-loris' }

type Headers = Readonly<Record<string, string>>

export type SocketFault = Exclude<Fault, { readonly kind: 'answer' | 'early' | 'delay' | 'hold' | 'reset' }>

const GOOD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

/** Whether a request counts as accepted although the sender may not learn of it. */
export function acceptsAnyway({ kind }: Fault): boolean {
  return kind === 'lost-reply' || kind === 'http-1.0' || kind === 'delay' || kind === 'hold'
}

export function playOnSocket(fault: SocketFault, socket: Socket): void {
  switch (fault.kind) {
    case 'http-1.0':
      socket.end('HTTP/1.0 200 OK\r\n\r\n{}')
      break
    case 'lost-reply':
      reset(socket)
      break
    case 'silence':
      break
    case 'half-close':
      socket.end()
      break
    case 'garbage':
      socket.write('\u0000\u0001\u0002 SSH-2.0-OpenSSH_9.9\r\n\r\n{"ok":true}')
      break
    case 'partial-headers':
      socket.end('HTTP/1.1 200 OK\r\ncontent-le')
      break
    case 'partial-body':
      socket.end(`${GOOD}content-length: 100\r\n\r\n{"status":`)
      break
    case 'endless':
      socket.write(`${GOOD}transfer-encoding: chunked\r\n\r\n`)
      if (fault.pace === 'slow') drip(socket, () => '1\r\nx\r\n')
      else flood(socket, `10000\r\n${'x'.repeat(65_536)}\r\n`)
      break
    case 'slow-loris': {
      let at = 0
      drip(socket, () => GOOD.charAt(at++) || 'x')
      break
    }
  }
}

export function answerWith(response: ServerResponse, fault: Extract<Fault, { readonly status: number }>): void {
  response.writeHead(fault.status, fault.headers)
  response.end(fault.body ?? '{}')
}

/** Under TLS, closes the connection without close_notify instead. */
export function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}

function drip(socket: Socket, next: () => string): void {
  const timer = setInterval(() => socket.write(next()), 10)
  socket.once('close', () => clearInterval(timer))
}

function flood(socket: Socket, chunk: string): void {
  const pour = () => {
    while (socket.writable && socket.write(chunk));
  }
  socket.on('drain', pour)
  pour()
}
