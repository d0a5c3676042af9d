import type { ProxyConfig } from '../../config/config.ts'
import { goesDirect } from './no-proxy.ts'
import type { Target } from './target.ts'

/** The configured proxy for requests to a target; undefined: direct. */
export function proxyFor(target: Target, config: ProxyConfig): string | undefined {
  const proxy = target.secure ? config.https : config.http
  if (proxy === undefined || target.socketPath !== undefined) return undefined
  return goesDirect(target.host, target.port, config.noProxy) ? undefined : proxy
}

/**
 * A proxy's address with its scheme: `http://` if it has none; `https://`, `socks5://`. A socks5 proxy resolves names itself,
 * so `socks5h://` means the same. A path is ignored, as Go's net/http does. Undefined if it is not a proxy address.
 */
export function parseProxy(address: string): string | undefined {
  const full = address.includes('://') ? address : `http://${address}`
  const url = URL.parse(full.replace(/^socks5h:/, 'socks5:'))
  if (url === null || url.hostname === '' || !isEncoded(url.username) || !isEncoded(url.password)) return undefined
  if (!['http:', 'https:', 'socks5:'].includes(url.protocol)) return undefined
  url.pathname = ''
  url.search = ''
  url.hash = ''
  return url.href
}

function isEncoded(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined
  } catch {
    return false
  }
}
