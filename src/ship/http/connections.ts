import { isIP } from 'node:net'
import { getBuiltinModule } from 'node:process'
import type { PeerCertificate } from 'node:tls'
import type { buildConnector as BuildConnector, Dispatcher } from 'undici'
import type { Answer } from './answer.ts'
import { Exchange } from './exchange.ts'
import { type BodyBytes, outgoingBody } from './outgoing-body.ts'
import { connectSocks5 } from './socks5.ts'
import type { Target } from './target.ts'
import type { TlsMaterial } from './tls-files.ts'
import { buildConnector, Pool, ProxyAgent } from './undici.ts'

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

export interface ConnectionsOptions {
  readonly target: Target
  readonly tls: TlsMaterial
  /** `http://`, `https://` or `socks5://`, with `user:password@` if needed. */
  readonly proxy: string | undefined
  /** Whether HTTP/2 is spoken if the server offers it. */
  readonly allowH2: boolean
  /** For a whole attempt: connecting, sending, and reading the whole response. */
  readonly requestTimeoutMs: number
}

/** Longer than the usual wait for a batch, shorter than the 60 s after which load balancers drop an idle connection. */
const KEEP_ALIVE_MS = 30_000

/** Destroyed together with its socket. */
interface Connection {
  readonly dispatcher: Dispatcher
  destroy(): Promise<void>
}

/**
 * Requests do not share a connection over HTTP/2 either, so that one that is given up can take its connection with it: a
 * stream that undici closes while node:http2 still has some of its body makes node:http2 write empty frames without end,
 * in the main thread, until memory runs out (Node 26.10, undici 8.13).
 */
export function openConnections(options: ConnectionsOptions): Connections {
  const { target, proxy, requestTimeoutMs } = options
  const isPlain = !target.secure && target.socketPath === undefined && proxy === undefined
  const open = new Set<Connection>()
  const idle: Connection[] = []

  function openAnother(): Connection {
    const connection = openConnection(options)
    open.add(connection)
    return connection
  }

  /** In the turn of the event loop in which the request failed: before node:http2 writes again. */
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
            // undici's documentation allows any iterable here, its types do not.
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

function openConnection(options: ConnectionsOptions): Connection {
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

function openDispatcher(options: ConnectionsOptions, signal: AbortSignal): Dispatcher {
  const { target, tls, proxy, allowH2, requestTimeoutMs } = options
  const verify = { ca: tls.ca, rejectUnauthorized: !tls.insecureSkipVerify, minVersion: 'TLSv1.2' as const, signal }
  const requestTls = {
    ...verify,
    cert: tls.cert,
    key: tls.key,
    ...expectedName(tls.serverName),
    allowH2,
    preferH2: true,
    timeout: requestTimeoutMs,
  }
  const pool = {
    connectTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  }
  if (proxy === undefined) {
    const { socketPath } = target
    return new Pool(target.origin, {
      ...pool,
      connect: requestTls,
      ...(socketPath === undefined ? {} : { socketPath }),
    })
  }
  if (proxy.startsWith('socks5:')) {
    return new Pool(target.origin, { ...pool, connect: throughSocks5(new URL(proxy), target, requestTls) })
  }
  // undici opens no tunnel over HTTP/2, but would let the proxy choose it.
  const proxyTls = { ...verify, allowH2: false }
  const dial = (origin: string | URL, options: Pool.Options) => new Pool(origin, { ...withNamesOnly(options), ...pool })
  return new ProxyAgent({ ...pool, uri: proxy, requestTls, proxyTls, clientFactory: dial, factory: dial })
}

/** An IP address is looked for in the certificate, but not sent to the server, as by Go's crypto/tls. */
function expectedName(serverName: string | undefined) {
  if (serverName === undefined) return {}
  if (isIP(serverName) === 0) return { servername: serverName }
  const { checkServerIdentity } = getBuiltinModule('node:tls')
  return {
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => checkServerIdentity(serverName, certificate),
  }
}

/** undici passes the address of an https proxy to node:tls as the server name, which must not be an IP address. */
function withNamesOnly(options: Pool.Options): Pool.Options {
  const { connect } = options
  if (typeof connect !== 'function') return options
  return {
    ...options,
    connect({ servername, ...rest }, callback) {
      const isName = servername != null && isIP(servername) === 0 && !servername.startsWith('[')
      connect({ ...rest, ...(isName ? { servername } : {}) }, callback)
    },
  }
}

function throughSocks5(
  proxy: URL,
  target: Target,
  tls: BuildConnector.BuildOptions & { readonly timeout: number; readonly signal: AbortSignal },
): BuildConnector.connector {
  const secure = buildConnector(tls)
  return (options, callback) => {
    async function open(): Promise<void> {
      const socket = await connectSocks5(proxy, target, { timeoutMs: tls.timeout, signal: tls.signal })
      if (target.secure) secure({ ...options, httpSocket: socket }, callback)
      else callback(null, socket)
    }
    open().catch((error: Error) => callback(error, null))
  }
}
