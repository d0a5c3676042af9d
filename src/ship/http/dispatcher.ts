import { isIP } from 'node:net'
import { getBuiltinModule } from 'node:process'
import type { PeerCertificate } from 'node:tls'
import type { buildConnector as BuildConnector, Dispatcher } from 'undici'
import { connectSocks5 } from './socks5.ts'
import type { Target } from './target.ts'
import type { TlsMaterial } from './tls-files.ts'
import { buildConnector, Pool, ProxyAgent } from './undici.ts'

export interface DispatcherOptions {
  readonly target: Target
  readonly tls: TlsMaterial
  /** `http://`, `https://` or `socks5://`, with `user:password@` if needed. */
  readonly proxy: string | undefined
  /** Whether to speak HTTP/2 if the server offers it. */
  readonly allowH2: boolean
  /** For a whole attempt: connecting, sending, and reading the whole response. */
  readonly requestTimeoutMs: number
}

/** Longer than the usual wait for a batch, shorter than the 60 s after which load balancers drop an idle connection. */
const KEEP_ALIVE_MS = 30_000

/** Returns a dispatcher that reaches a target directly or through a proxy. `signal` destroys sockets still connecting. */
export function openDispatcher(options: DispatcherOptions, signal: AbortSignal): Dispatcher {
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
  // undici cannot open a tunnel over HTTP/2, but would let the proxy choose it.
  const proxyTls = { ...verify, allowH2: false }
  const dial = (origin: string | URL, options: Pool.Options) => new Pool(origin, { ...withNamesOnly(options), ...pool })
  return new ProxyAgent({ ...pool, uri: proxy, requestTls, proxyTls, clientFactory: dial, factory: dial })
}

/** As in Go's crypto/tls, an IP address is expected in the certificate, but not sent to the server. */
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
