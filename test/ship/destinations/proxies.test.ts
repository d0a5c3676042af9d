import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { datadogConfig, sendRequest, withTimeout } from '../../support/destination-config.ts'
import { closeAfterEach, closing, never, openDestination, openIntake } from '../../support/destinations.ts'
import { startHttpProxy, startSocksProxy } from '../../support/proxies.ts'
import { serverIdentity, tlsConfig } from '../../support/tls-fixtures.ts'

closeAfterEach()

const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`

const proxies: readonly { name: string; open: () => Promise<{ url: string; asked: readonly string[] }> }[] = [
  {
    name: 'an http proxy',
    async open() {
      const proxy = closing(await startHttpProxy())
      return { url: `http://127.0.0.1:${proxy.port}`, asked: proxy.asked }
    },
  },
  {
    name: 'an http proxy without a scheme in its address',
    async open() {
      const proxy = closing(await startHttpProxy())
      return { url: `127.0.0.1:${proxy.port}`, asked: proxy.asked }
    },
  },
  {
    name: 'an http proxy with a path in its address',
    async open() {
      const proxy = closing(await startHttpProxy())
      return { url: `http://127.0.0.1:${proxy.port}/path?query#fragment`, asked: proxy.asked }
    },
  },
  {
    name: 'an http proxy with a login',
    async open() {
      const proxy = closing(await startHttpProxy({ authorization: basic('user:p@ss') }))
      return { url: `http://user:p%40ss@127.0.0.1:${proxy.port}`, asked: proxy.asked }
    },
  },
  {
    name: 'an https proxy',
    async open() {
      const proxy = closing(await startHttpProxy({ tls: serverIdentity() }))
      return { url: `https://127.0.0.1:${proxy.port}`, asked: proxy.asked }
    },
  },
  {
    name: 'an https proxy that would rather speak HTTP/2',
    async open() {
      const tls = { ...serverIdentity(), ALPNProtocols: ['h2', 'http/1.1'] }
      const proxy = closing(await startHttpProxy({ tls }))
      return { url: `https://127.0.0.1:${proxy.port}`, asked: proxy.asked }
    },
  },
  {
    name: 'a socks5 proxy',
    async open() {
      const proxy = closing(await startSocksProxy())
      return { url: `socks5://127.0.0.1:${proxy.port}`, asked: proxy.asked }
    },
  },
  {
    name: 'a socks5 proxy with a login',
    async open() {
      const proxy = closing(await startSocksProxy({ login: 'user:p@ss' }))
      return { url: `socks5h://user:p%40ss@127.0.0.1:${proxy.port}`, asked: proxy.asked }
    },
  },
]

const receivers = [
  { name: 'http', httpVersion: '1.1', options: {} },
  { name: 'https', httpVersion: '1.1', options: { tls: serverIdentity() } },
  { name: 'https with HTTP/2', httpVersion: '2.0', options: { tls: serverIdentity(), h2: true } },
]

for (const { name, open } of proxies) {
  describe(name, () => {
    for (const { name: receiver, httpVersion, options } of receivers) {
      it(`is the way to ${receiver}`, async () => {
        const intake = await openIntake(options)
        const proxy = await open()
        const config = datadogConfig(`${intake.url}/api/v2/logs?x=1`, {
          tls: tlsConfig(),
          proxy: { http: proxy.url, https: proxy.url, noProxy: ['10.0.0.0/8'] },
        })
        const destination = openDestination(config)
        const body = `["${'x'.repeat(300_000)}"]`
        expect(await destination.send(sendRequest(body), never)).toMatchObject({ kind: 'delivered' })
        expect(intake.batches).toMatchObject([{ path: '/api/v2/logs?x=1', httpVersion }])
        expect(intake.batches[0]?.body.toString()).toBe(body)
        expect(new Set(proxy.asked)).toEqual(new Set([`127.0.0.1:${intake.port}`]))
      })
    }
  })
}

describe('a proxy', () => {
  it('resolves the names itself', async () => {
    const intake = await openIntake({ tls: serverIdentity('named') })
    const http = closing(await startHttpProxy())
    const socks = closing(await startSocksProxy())
    for (const proxy of [`http://127.0.0.1:${http.port}`, `socks5://127.0.0.1:${socks.port}`]) {
      const config = datadogConfig(`https://intake.test:${intake.port}/`, {
        tls: tlsConfig(),
        proxy: { http: undefined, https: proxy, noProxy: [] },
      })
      expect(await openDestination(config).send(sendRequest('[]'), never)).toMatchObject({ kind: 'delivered' })
    }
    expect([...http.asked, ...socks.asked]).toEqual([`intake.test:${intake.port}`, `intake.test:${intake.port}`])
  })

  it('is the way to a server whose certificate must be for an address', async () => {
    const intake = await openIntake({ tls: serverIdentity() })
    const http = closing(await startHttpProxy())
    const socks = closing(await startSocksProxy())
    for (const proxy of [`http://127.0.0.1:${http.port}`, `socks5://127.0.0.1:${socks.port}`]) {
      const config = datadogConfig(intake.url, {
        tls: tlsConfig({ serverName: '::1' }),
        proxy: { http: undefined, https: proxy, noProxy: [] },
      })
      expect(await openDestination(config).send(sendRequest('[]'), never)).toMatchObject({ kind: 'delivered' })
    }
  })

  it('is passed by for what NO_PROXY names', async () => {
    const intake = await openIntake()
    const proxy = closing(await startHttpProxy())
    const config = datadogConfig(intake.url, {
      proxy: { http: `http://127.0.0.1:${proxy.port}`, https: undefined, noProxy: ['127.0.0.0/8'] },
    })
    expect(await openDestination(config).send(sendRequest('[]'), never)).toMatchObject({ kind: 'delivered' })
    expect(proxy.asked).toEqual([])
  })

  const refusals: readonly [name: string, secure: boolean, login: string, reason: string][] = [
    ['that refuses the login for a tunnel', true, 'http', 'Proxy response (407)'],
    ['that refuses the login for a plain request', false, 'http', '407'],
    ['that refuses the login of socks5', true, 'socks5', 'SOCKS5 proxy: user name or password refused'],
  ]
  for (const [name, secure, scheme, reason] of refusals) {
    it(`${name} is retried, and shows no password`, async () => {
      const intake = await openIntake(secure ? { tls: serverIdentity() } : {})
      const proxy = closing(
        scheme === 'http'
          ? await startHttpProxy({ authorization: basic('user:right') })
          : await startSocksProxy({ login: 'user:right' }),
      )
      const url = `${scheme}://user:hunter2@127.0.0.1:${proxy.port}`
      const config = datadogConfig(intake.url, { tls: tlsConfig(), proxy: { http: url, https: url, noProxy: [] } })
      const verdict = await openDestination(config).send(sendRequest('[]'), never)
      expect(verdict).toMatchObject({ kind: 'retry', reason: expect.stringContaining(reason) })
      expect(JSON.stringify(verdict)).not.toContain('hunter2')
      expect(intake.connections).toBe(0)
    })
  }

  it('of socks5 may take its time with each byte of its replies', async () => {
    const intake = await openIntake()
    const proxy = closing(await startSocksProxy({ login: 'user:right', isSlow: true }))
    const url = `socks5://user:right@127.0.0.1:${proxy.port}`
    const sender = fork(new URL('../../support/proxied-sender.ts', import.meta.url), [intake.url, url])
    closing({ close: async () => sender.kill('SIGKILL') })
    expect(await once(sender, 'exit')).toEqual([0, null])
    expect(intake.requests).toHaveLength(1)
  }, 30_000)

  it('of socks5 that says more than its replies is not asked again and again', async () => {
    const intake = await openIntake()
    const proxy = closing(await startSocksProxy({ more: 'no HTTP' }))
    const url = `socks5://127.0.0.1:${proxy.port}`
    const config = datadogConfig(intake.url, { proxy: { http: url, https: undefined, noProxy: [] } })
    const verdict = await openDestination(withTimeout(config, 1000)).send(sendRequest('[]'), never)
    expect(verdict).toEqual({ kind: 'retry', reason: 'ESOCKS: SOCKS5 proxy: says more than its reply' })
    expect(proxy.asked).toHaveLength(1)
  })

  it('that is gone, never answers or has no valid address is retried', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume())
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    closing({ close: () => new Promise((resolve) => silent.close(resolve)) })
    const { port } = silent.address() as { port: number }
    const rows: readonly [string, string][] = [
      [`http://127.0.0.1:${port}`, 'timeout: no complete answer within 100 ms'],
      [`https://127.0.0.1:${port}`, 'timeout: no complete answer within 100 ms'],
      [`socks5://127.0.0.1:${port}`, 'timeout: no complete answer within 100 ms'],
      ['http://127.0.0.1:1', 'ECONNREFUSED: connection refused by 127.0.0.1:1'],
      ['socks5://127.0.0.1:1', 'ECONNREFUSED: connection refused by 127.0.0.1:1'],
      ['::::', 'the address of the proxy is not valid'],
    ]
    for (const [https, reason] of rows) {
      const config = datadogConfig('https://intake.test/', { proxy: { http: undefined, https, noProxy: [] } })
      const timeoutMs = reason.startsWith('timeout') ? 100 : 10_000
      const verdict = await openDestination(withTimeout(config, timeoutMs)).send(sendRequest('[]'), never)
      expect(verdict).toEqual({ kind: 'retry', reason })
    }
  })
})
