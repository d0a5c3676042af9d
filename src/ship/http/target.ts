/** The parsed address of a request's target. */
export interface Target {
  /** `https://host:port`; `http://localhost` for a unix socket. User information is omitted everywhere. */
  readonly origin: string
  readonly secure: boolean
  /** Without the brackets of an IPv6 address. */
  readonly host: string
  readonly port: number
  /** With the query, percent-encoded. */
  readonly path: string
  readonly socketPath: string | undefined
  /** For display: without the query. */
  readonly shown: string
}

/**
 * Parses `http://…` and `https://…`, and for a unix socket `unix:///run/sink.sock:/http/path` (`:/http/path` is optional) or
 * `http+unix://%2Frun%2Fsink.sock/http/path`. Undefined for any other address.
 */
export function parseTarget(address: string): Target | undefined {
  const socket = parseSocketAddress(address)
  const url = URL.parse(socket === undefined ? address : `http://localhost${socket.path}`)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined
  const secure = url.protocol === 'https:'
  return {
    origin: url.origin,
    secure,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    path: url.pathname + url.search,
    socketPath: socket?.file,
    shown: socket === undefined ? url.origin + url.pathname : `unix://${socket.file}:${url.pathname}`,
  }
}

function parseSocketAddress(address: string): { file: string; path: string } | undefined {
  const plain = /^unix:(?:\/\/)?(\/[^:]+)(?::(\/.*))?$/.exec(address)
  if (plain?.[1] !== undefined) return { file: plain[1], path: plain[2] ?? '/' }
  const encoded = /^http\+unix:\/\/([^/?#]+)(\/.*)?$/.exec(address)
  if (encoded?.[1] === undefined) return undefined
  return { file: decoded(encoded[1]), path: encoded[2] ?? '/' }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
