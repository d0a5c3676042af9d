import type { Dispatcher } from 'undici'
import type { Answer } from './answer.ts'
import { type DispatcherOptions, openDispatcher } from './dispatcher.ts'
import { Exchange } from './exchange.ts'
import { type BodyBytes, outgoingBody } from './outgoing-body.ts'

export interface HttpRequest {
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: BodyBytes
}

/** Keep-alive connections to one target, with one set of certificates; each carries one request at a time. */
export interface Connections {
  /** Never rejects. Once it resolves, nothing reads the request's memory any more. */
  post(request: HttpRequest, signal: AbortSignal): Promise<Answer>
  /** Closes the sockets; requests in flight fail. */
  destroy(): Promise<void>
}

/** Destroyed together with its socket. */
interface Connection {
  readonly dispatcher: Dispatcher
  destroy(): Promise<void>
}

/**
 * Requests never share a connection, not even over HTTP/2, so that one that is given up can take its connection with it: if
 * undici closes a stream while node:http2 still holds some of its body, node:http2 writes empty frames without end, in the
 * main thread, until memory runs out (Node 26.10, undici 8.13).
 */
export function openConnections(options: DispatcherOptions): Connections {
  const { target, proxy, requestTimeoutMs } = options
  const isPlain = !target.secure && target.socketPath === undefined && proxy === undefined
  const open = new Set<Connection>()
  const idle: Connection[] = []

  function openAnother(): Connection {
    const connection = openConnection(options)
    open.add(connection)
    return connection
  }

  /** Must run in the turn of the event loop in which the request failed, before node:http2 writes again. */
  function discard(connection: Connection): void {
    open.delete(connection)
    // No request is under way on it: a failure to close the socket blocks nothing.
    connection.destroy().catch(() => undefined)
  }

  return {
    async post(request, signal) {
      const connection = idle.pop() ?? openAnother()
      const body = outgoingBody(request.body, target.secure || proxy?.startsWith('https:') === true)
      const exchange = new Exchange(body, { isPlain })
      const start = () =>
        connection.dispatcher.dispatch(
          {
            origin: target.origin,
            path: request.path,
            method: 'POST',
            headers: { ...request.headers, 'content-length': String(body.length) },
            // undici's documentation allows any iterable here; its types do not.
            body: body.chunks() as unknown as Uint8Array,
            headersTimeout: requestTimeoutMs,
            bodyTimeout: requestTimeoutMs,
          },
          exchange,
        )
      const answer = await exchange.run(start, requestTimeoutMs, signal)
      if (answer.kind === 'answered' && answer.requestSent) idle.push(connection)
      else discard(connection)
      return answer
    },
    async destroy() {
      await Promise.all(Array.from(open, (connection) => connection.destroy()))
    },
  }
}

function openConnection(options: DispatcherOptions): Connection {
  const end = new AbortController()
  const dispatcher = openDispatcher(options, end.signal)
  return {
    dispatcher,
    async destroy() {
      const destroyed = dispatcher.destroy()
      // undici does not destroy a socket that is not connected yet.
      end.abort()
      await destroyed
    },
  }
}
