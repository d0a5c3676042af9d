import type { Answer } from './answer.ts'
import { type Connections, type HttpRequest, openConnections } from './connections.ts'
import { parseProxy } from './proxy.ts'
import type { Target } from './target.ts'
import { createTlsSource, type TlsMaterial, type TlsSource, type TlsSpec } from './tls-files.ts'

export interface TransportOptions {
  readonly target: Target
  readonly tls: TlsSpec
  /** The proxy to go through; undefined if direct. */
  readonly proxy: string | undefined
  readonly requestTimeoutMs: number
  /** A clock in milliseconds. */
  readonly now: () => number
}

/** Maximum age of connections, because names are resolved again only on connecting. */
const MAX_AGE_MS = 300_000
/** How a server says over HTTP/2 that it wants HTTP/1.1, as IIS does for a client certificate (RFC 9113, section 7). */
const HTTP1_REQUIRED = /^ERR_HTTP2_\w+: .* error code (?:NGHTTP2_HTTP_1_1_REQUIRED|13)$/

/** Connections of the same age and certificates. */
interface ConnectionSet {
  readonly connections: Connections
  readonly tls: TlsMaterial
  readonly openedAt: number
  readonly closed: PromiseWithResolvers<void>
  underWay: number
  retired: boolean
}

/**
 * Sends requests over sets of connections. A set takes requests until it is too old, its certificate files have
 * changed, or a request on it failed (its peer may be gone, or its name may resolve to another address by now). It is closed
 * once the last of its requests has settled.
 */
export class Transport {
  readonly #options: TransportOptions
  readonly #openConnections: typeof openConnections
  readonly #tls: TlsSource
  readonly #proxy: string | undefined
  readonly #open = new Set<ConnectionSet>()
  #current: ConnectionSet | undefined
  #closed = false
  #allowH2 = true

  constructor(options: TransportOptions, open = openConnections) {
    this.#options = options
    this.#openConnections = open
    this.#tls = createTlsSource(options.tls, options.now)
    this.#proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy)
  }

  /** Makes one attempt. Never rejects, and settles within the timeout. Once settled, nothing reads the request's memory. */
  async post(request: HttpRequest, signal: AbortSignal): Promise<Answer> {
    if (this.#proxy === undefined && this.#options.proxy !== undefined) {
      return { kind: 'failed', reason: 'the address of the proxy is not valid' }
    }
    const tls = await this.#tls.current()
    if (tls.kind === 'unusable') return { kind: 'failed', reason: tls.reason }
    if (this.#closed) return { kind: 'failed', reason: 'closed' }
    const set = this.#connectionsWith(tls.material)
    set.underWay += 1
    const answer = await set.connections.post(request, signal)
    set.underWay -= 1
    if (answer.kind === 'failed') {
      set.retired = true
      this.#tls.expire()
      this.#allowH2 = !HTTP1_REQUIRED.test(answer.reason)
    }
    this.#closeIfIdle(set)
    return answer
  }

  /** Lets requests in flight finish, then closes every socket. */
  async close(): Promise<void> {
    this.#closed = true
    const open = [...this.#open]
    for (const set of open) {
      set.retired = true
      this.#closeIfIdle(set)
    }
    await Promise.all(open.map((set) => set.closed.promise))
  }

  #connectionsWith(tls: TlsMaterial): ConnectionSet {
    const now = this.#options.now()
    const current = this.#current
    if (current !== undefined) {
      if (current.tls !== tls || now - current.openedAt >= MAX_AGE_MS) current.retired = true
      if (!current.retired) return current
      this.#closeIfIdle(current)
    }
    const next: ConnectionSet = {
      connections: this.#openConnections({ ...this.#options, proxy: this.#proxy, tls, allowH2: this.#allowH2 }),
      tls,
      openedAt: now,
      closed: Promise.withResolvers(),
      underWay: 0,
      retired: false,
    }
    this.#open.add(next)
    this.#current = next
    return next
  }

  #closeIfIdle(set: ConnectionSet): void {
    if (!set.retired || set.underWay > 0 || !this.#open.delete(set)) return
    const { resolve } = set.closed
    // No request is in flight: a failure to close the sockets blocks nothing.
    set.connections.destroy().then(resolve, () => resolve())
  }
}
