import { BlockList, isIP } from 'node:net'

/**
 * Whether a host bypasses the proxy under a NO_PROXY list, by the rules of Go's net/http that kube-apiserver and the Datadog
 * Agent share: `*` matches everything; `example.com` the host and its subdomains; `.example.com` and `*.example.com` only
 * subdomains; an address or a CIDR range matches addresses, never names; every entry but a range may end in `:port`. `host`
 * has no IPv6 brackets.
 */
export function goesDirect(host: string, port: number, noProxy: readonly string[]): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return noProxy.some((entry) => matches(entry.trim().toLowerCase(), name, port))
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === '') return false
  if (entry === '*') return true
  if (entry.includes('/')) return inRange(entry, host)
  const { pattern, onlyPort } = splitPort(entry)
  if (onlyPort !== undefined && onlyPort !== port) return false
  if (isIP(pattern) !== 0) return isIP(host) !== 0 && inRange(`${pattern}/${isIP(pattern) === 6 ? 128 : 32}`, host)
  if (isIP(host) !== 0) return false
  const suffix = pattern.startsWith('*.') ? pattern.slice(1) : pattern
  if (suffix.startsWith('.')) return host.endsWith(suffix)
  return host === suffix || host.endsWith(`.${suffix}`)
}

function inRange(range: string, host: string): boolean {
  const [network = '', bits = ''] = range.split('/')
  const family = isIP(network)
  const prefix = Number(bits)
  if (family === 0 || isIP(host) === 0 || !/^\d+$/.test(bits) || prefix > (family === 6 ? 128 : 32)) return false
  const list = new BlockList()
  list.addSubnet(network, prefix, family === 6 ? 'ipv6' : 'ipv4')
  return list.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
}

/** Splits `host`, `host:port`, `[v6]`, `[v6]:port`, or a bare IPv6 address. */
function splitPort(entry: string): { pattern: string; onlyPort: number | undefined } {
  if (isIP(entry) === 6) return { pattern: entry, onlyPort: undefined }
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry)
  const pattern = parts?.[1] ?? parts?.[2] ?? entry
  return { pattern, onlyPort: parts?.[3] === undefined ? undefined : Number(parts[3]) }
}
