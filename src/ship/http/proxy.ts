import type { ProxyConfig } from '../../config/config.ts'
import { goesDirect } from './no-proxy.ts'
import type { Target } from './target.ts'

/** Returns the configured proxy for requests to a target; undefined if they go direct. */
export function proxyFor(target: Target, config: ProxyConfig): string | undefined {
  const proxy = target.secure ? config.https : config.http
  if (proxy === undefined || target.socketPath !== undefined) return undefined
  return goesDirect(target.host, target.port, config.noProxy) ? undefined : proxy
}

/**
 * Returns a proxy's address with its scheme: `http://` (the default), `https://` or `socks5://`. A SOCKS5 proxy always resolves
 * names itself, so `socks5h://` means the same. Drops the path, as Go's net/http does. Undefined if it is no proxy's address.
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
