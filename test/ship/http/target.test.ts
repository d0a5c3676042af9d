import { describe, expect, it } from 'vitest'
import { parseProxy, proxyFor } from '../../../src/ship/http/proxy.ts'
import { parseTarget } from '../../../src/ship/http/target.ts'

describe('parseTarget', () => {
  it('takes an address apart', () => {
    expect(parseTarget('https://sink.example:8443/audit/x?a=b#c')).toEqual({
      origin: 'https://sink.example:8443',
      secure: true,
      host: 'sink.example',
      port: 8443,
      path: '/audit/x?a=b',
      socketPath: undefined,
      shown: 'https://sink.example:8443/audit/x',
    })
  })

  it('knows the default ports and the brackets of IPv6', () => {
    expect(parseTarget('http://[::1]')).toMatchObject({ host: '::1', port: 80, path: '/' })
    expect(parseTarget('https://sink.example')).toMatchObject({ port: 443 })
  })

  const sockets: readonly [string, string, string][] = [
    ['unix:///run/sink.sock:/audit?x=1', '/run/sink.sock', '/audit?x=1'],
    ['unix:///run/sink.sock', '/run/sink.sock', '/'],
    ['unix:/run/sink.sock:/audit', '/run/sink.sock', '/audit'],
    ['http+unix://%2Frun%2Fsink.sock/audit', '/run/sink.sock', '/audit'],
    ['http+unix://%2Frun%2Fsink.sock', '/run/sink.sock', '/'],
  ]
  for (const [address, socketPath, path] of sockets) {
    it(`finds the unix socket in ${address}`, () => {
      expect(parseTarget(address)).toMatchObject({ origin: 'http://localhost', secure: false, socketPath, path })
    })
  }

  for (const address of ['', 'sink.example:8443', 'ftp://sink.example', 'unix:relative.sock', 'http://']) {
    it(`does not take "${address}"`, () => {
      expect(parseTarget(address)).toBeUndefined()
    })
  }

  it('shows neither password nor query', () => {
    expect(parseTarget('https://user:hunter2@sink.example/x?token=hunter2')?.shown).toBe('https://sink.example/x')
  })
})

describe('proxyFor', () => {
  const config = { https: 'http://secure-proxy:3128', http: 'http://plain-proxy:3128', noProxy: ['.internal'] }
  const rows: readonly [string, string | undefined][] = [
    ['https://sink.example', config.https],
    ['http://sink.example', config.http],
    ['https://sink.internal', undefined],
    ['unix:///run/sink.sock', undefined],
  ]
  for (const [address, proxy] of rows) {
    it(`answers ${proxy ?? 'none'} for ${address}`, () => {
      const target = parseTarget(address)
      expect(target && proxyFor(target, config)).toBe(proxy)
    })
  }
})

describe('parseProxy', () => {
  const rows: readonly [string, string | undefined][] = [
    ['proxy:3128', 'http://proxy:3128/'],
    ['https://proxy', 'https://proxy/'],
    ['socks5://u:p@proxy:1080', 'socks5://u:p@proxy:1080'],
    ['socks5h://proxy:1080', 'socks5://proxy:1080'],
    ['ftp://proxy', undefined],
    ['http://', undefined],
    ['::::', undefined],
    ['http://user:100%@proxy', undefined],
  ]
  for (const [address, proxy] of rows) {
    it(`makes ${proxy} of ${address}`, () => {
      expect(parseProxy(address)).toBe(proxy)
    })
  }
})
