import { isIP } from 'node:net'
import { buildConnector, type Dispatcher, Pool, ProxyAgent } from 'undici'
import type { Answer } from './answer.ts'
import { type BodyBytes, outgoingBody } from './outgoing-body.ts'
import { connectSocks5 } from './socks5.ts'
import type { Target } from './target.ts'
import type { TlsMaterial } from './tls-files.ts'

export interface HttpRequest {
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: BodyBytes
}

/** Keep-alive connections to one place, with one set of certificates. */
export interface Connections {
  /** Never rejects. When it resolves, nothing reads the request's memory any more. */
  post(request: HttpRequest, signal: AbortSignal): Promise<Answer>
  /** Closes the sockets; what is under way fails. */
  destroy(): Promise<void>
}

export interface ConnectionsOptions {
  readonly target: Target
  readonly tls: TlsMaterial
  /** `http://`, `https://` or `socks5://`, with `user:password@` if needed. */
  readonly proxy: string | undefined
  /** For a whole attempt: connecting, sending, and the answer to its end. */
  readonly requestTimeoutMs: number
}

/** Longer than the usual wait for a batch, shorter than the 60 s after which load balancers drop an idle connection. */
const KEEP_ALIVE_MS = 30_000
/** Answers are read to their end, so that the connection can be used again, but not further than the echo of a large batch. */
const MAX_ANSWER_BYTES = 16_777_216
/** What is kept of an answer, for a reason shown to people. */
const MAX_TEXT_BYTES = 4096

export function openConnections(options: ConnectionsOptions): Connections {
  const { target, requestTimeoutMs } = options
  const end = new AbortController()
  const dispatcher = openDispatcher(options, end.signal)
  return {
    post(request, signal) {
      const body = outgoingBody(request.body, target.secure)
      const exchange = new Exchange(body.release)
      return exchange.run(requestTimeoutMs, signal, (handler) => {
        dispatcher.dispatch(
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
          handler,
        )
      })
    },
    async destroy() {
      const destroyed = dispatcher.destroy()
      // undici leaves a socket alone that is not connected yet.
      end.abort()
      await destroyed
    },
  }
}

function openDispatcher({ target, tls, proxy, requestTimeoutMs }: ConnectionsOptions, signal: AbortSignal): Dispatcher {
  const verify = { ca: tls.ca, rejectUnauthorized: !tls.insecureSkipVerify, minVersion: 'TLSv1.2' as const, signal }
  const requestTls = {
    ...verify,
    cert: tls.cert,
    key: tls.key,
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    allowH2: true,
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
  const dial = (origin: string | URL, options: Pool.Options) => new Pool(origin, { ...withNamesOnly(options), ...pool })
  return new ProxyAgent({ ...pool, uri: proxy, requestTls, proxyTls: verify, clientFactory: dial, factory: dial })
}

/** undici gives the address of an https proxy to node:tls as its name, which takes names only. */
function withNamesOnly(options: Pool.Options): Pool.Options {
  const { connect } = options
  if (typeof connect !== 'function') return options
  return {
    ...options,
    connect({ servername = '', ...rest }, callback) {
      const isName = isIP(servername) === 0 && !servername.startsWith('[')
      connect({ ...rest, ...(isName ? { servername } : {}) }, callback)
    },
  }
}

function throughSocks5(
  proxy: URL,
  target: Target,
  tls: buildConnector.BuildOptions & { readonly timeout: number; readonly signal: AbortSignal },
): buildConnector.connector {
  const secure = buildConnector(tls)
  return (options, callback) => {
    connectSocks5(proxy, target, { timeoutMs: tls.timeout, signal: tls.signal }).then(
      (socket) => (target.secure ? secure({ ...options, httpSocket: socket }, callback) : callback(null, socket)),
      (error: Error) => callback(error, null),
    )
  }
}

/** One request and its answer, settled once: by the answer's end, an error, the timeout or the signal. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #release: () => void
  readonly #answer = Promise.withResolvers<Answer>()
  readonly #text = Buffer.alloc(MAX_TEXT_BYTES)
  #controller: Dispatcher.DispatchController | undefined
  #outcome: Answer | undefined
  #status = 0
  #headers: Readonly<Record<string, string | string[] | undefined>> = {}
  #bytes = 0

  constructor(release: () => void) {
    this.#release = release
  }

  async run(
    timeoutMs: number,
    signal: AbortSignal,
    start: (handler: Dispatcher.DispatchHandler) => void,
  ): Promise<Answer> {
    const onAbort = () => this.#cut('aborted')
    const timer = setTimeout(() => this.#cut(`timeout: no complete answer within ${timeoutMs} ms`), timeoutMs)
    signal.addEventListener('abort', onAbort)
    try {
      if (signal.aborted) onAbort()
      else start(this)
      return await this.#answer.promise
    } catch (error) {
      return { kind: 'failed', reason: reasonOf(error) }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#outcome !== undefined) controller.abort(new Error('too late'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#bytes < MAX_TEXT_BYTES) chunk.copy(this.#text, this.#bytes)
    this.#bytes += chunk.length
    if (this.#bytes > MAX_ANSWER_BYTES) this.#cut(`endless answer: longer than ${MAX_ANSWER_BYTES} bytes`)
  }

  onResponseEnd(): void {
    this.#settle({
      kind: 'answered',
      status: this.#status,
      retryAfter: first(this.#headers['retry-after']),
      location: first(this.#headers.location),
      text: this.#text.toString('utf8', 0, Math.min(this.#bytes, MAX_TEXT_BYTES)),
    })
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#settle({ kind: 'failed', reason: reasonOf(error) })
  }

  /**
   * Aborting destroys the socket (HTTP/1) or the stream (HTTP/2) before it returns; see outgoingBody for why nothing
   * reads the request's memory then. A request that still waits for its connection is aborted when it is started.
   */
  #cut(reason: string): void {
    this.#settle({ kind: 'failed', reason })
    this.#controller?.abort(new Error(reason))
  }

  #settle(outcome: Answer): void {
    this.#release()
    this.#outcome ??= outcome
    this.#answer.resolve(this.#outcome)
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

/** `ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1`; of several addresses tried, the first failure. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return `${code}: ${error.message}`
}
