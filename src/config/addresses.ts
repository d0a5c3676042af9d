import type { Config } from './config.ts'
import { scalar } from './scalars.ts'

/** Schema of `host:port`. The output's `address` is undefined for false or an empty string. */
export function listenAddress(description: string) {
  return scalar<{ readonly address: Config['server']['listen'] }>(
    (value) => {
      if (value === false || value === '') return { address: undefined }
      const match = typeof value === 'string' ? /^(?:\[([\da-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(value) : null
      const host = match?.[1] ?? match?.[2]
      const port = Number(match?.[3])
      if (host !== undefined && port <= 65_535) return { address: { host, port } }
      return {
        fault: 'must be host:port, or false for none',
        hint: 'for example `127.0.0.1:5555`, or `0.0.0.0:5555` to be reached from outside',
      }
    },
    { description: `${description}. host:port, or false for none.`, anyOf: [{ type: 'string' }, { const: false }] },
  )
}

/** Schema of an HTTP URL, which may name a unix socket. Refuses user names, passwords and fragments. */
export function url(description: string) {
  return scalar<string>(
    (value) => {
      const parsed = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
      if (parsed === undefined) return { fault: 'must be a URL such as https://host:port/path' }
      if (!['https:', 'http:', 'http+unix:', 'unix:'].includes(parsed.protocol)) {
        return { fault: 'must begin with https://, http:// or unix://' }
      }
      if (parsed.protocol === 'unix:' && !/^unix:(?:\/\/)?\//.test(String(value))) {
        return { fault: 'must name a unix socket by an absolute path, as in unix:///run/sink.sock' }
      }
      if (parsed.username !== '' || parsed.password !== '') {
        return { fault: 'must not hold a user name or password', hint: 'give them as a token or a header' }
      }
      return parsed.hash === '' ? String(value) : { fault: 'must not have a fragment (#…)' }
    },
    { description, type: 'string' },
  )
}

/** Schema of a proxy's URL, which may contain a user name and password. The scheme defaults to http. */
export function proxyUrl(description: string) {
  return scalar<string>(
    (value) => {
      const text = typeof value === 'string' && !value.includes('://') ? `http://${value}` : value
      const url = typeof text === 'string' && /^(?:https?|socks5h?):\/\/[^/]/.test(text) ? URL.parse(text) : null
      if (url !== null && (hasStrayPercent(url.username) || hasStrayPercent(url.password))) {
        return { fault: 'has a % in its user name or password that encodes nothing', hint: 'write it as %25' }
      }
      if (url !== null) return String(text)
      return { fault: 'must be the URL of an http, https or socks5 proxy, such as http://proxy:3128' }
    },
    { description, type: 'string' },
  )
}

const hasStrayPercent = (text: string) => /%(?![\da-f]{2})/i.test(text)
