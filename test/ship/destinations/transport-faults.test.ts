import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DestinationConfig } from '../../../src/config/config.ts'
import { datadogConfig, sendRequest, withTimeout } from '../../support/destination-config.ts'
import { closeAfterEach, closing, never, openDestination, openIntake } from '../../support/destinations.ts'
import type { Fault } from '../../support/intake-faults.ts'
import { serverIdentity, tlsConfig } from '../../support/tls-fixtures.ts'
import { until } from '../../support/until.ts'

closeAfterEach()

const large = () => sendRequest(`["${'x'.repeat(1_000_000)}"]`)

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'PipeWrap').length
}

const idle = openSockets()
/** Both ends of a connection are in this process. */
const allClosed = () => until(() => openSockets() === idle)

/** Of a request. A second at most: undici's own timers are coarse beyond it. */
const TIMEOUT_MS = 1000

/** In a `describe`: time passes only where a test lets it, so that an answer is never late. */
function withoutTime(): void {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())
}

describe('a server that does not answer as it should', () => {
  withoutTime()
  const rows: readonly [Fault, reason: string][] = [
    [{ kind: 'reset', at: 'headers' }, 'ECONNRESET'],
    [{ kind: 'reset', at: 'body' }, 'ECONNRESET'],
    [{ kind: 'reset', at: 'answer' }, 'ECONNRESET'],
    [{ kind: 'lost-reply' }, 'ECONNRESET'],
    [{ kind: 'half-close' }, 'UND_ERR_SOCKET: other side closed'],
    [{ kind: 'garbage' }, 'HTTPParserError: '],
    [{ kind: 'partial-headers' }, 'UND_ERR_SOCKET: other side closed'],
    [{ kind: 'partial-body' }, 'UND_ERR_SOCKET: other side closed'],
    [{ kind: 'endless', pace: 'fast' }, 'endless answer: longer than 16777216 bytes'],
    [{ kind: 'endless', pace: 'slow' }, 'timeout: no complete answer within 1000 ms'],
    [{ kind: 'silence' }, 'timeout: no complete answer within 1000 ms'],
    [{ kind: 'slow-loris' }, 'timeout: no complete answer within 1000 ms'],
  ]
  for (const [fault, reason] of rows) {
    it(`is retried, leaves nothing open, and is reached again: ${Object.values(fault).join(', ')}`, async () => {
      const intake = await openIntake({ script: [fault] })
      const destination = openDestination(withTimeout(datadogConfig(intake.url), TIMEOUT_MS))
      const verdict = destination.send(large(), never)
      if (reason.startsWith('timeout')) {
        await until(() => intake.requests.length === 1)
        await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
      }
      expect(await verdict).toEqual({ kind: 'retry', reason: expect.stringContaining(reason) })
      await allClosed()
      expect(await destination.send(sendRequest('["y"]'), never)).toMatchObject({ kind: 'delivered' })
      await destination.close()
      await allClosed()
    })
  }

  it('that takes no connection is retried', async () => {
    const destination = openDestination(datadogConfig('http://127.0.0.1:1/'))
    expect(await destination.send(large(), never)).toEqual({
      kind: 'retry',
      reason: 'ECONNREFUSED: connection refused by 127.0.0.1:1',
    })
  })

  it('whose name is unknown is retried', async () => {
    const destination = openDestination(datadogConfig('http://no-such-host.invalid/'))
    expect(await destination.send(large(), never)).toEqual({
      kind: 'retry',
      reason: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN): /),
    })
  })
})

describe('a server that does not answer as it should over HTTP/2', () => {
  withoutTime()
  const rows: readonly [Fault, reason: string][] = [
    [{ kind: 'silence' }, 'timeout: no complete answer within 1000 ms'],
    [{ kind: 'reset', at: 'headers' }, ''],
    [{ kind: 'reset', at: 'answer' }, ''],
  ]
  for (const [fault, reason] of rows) {
    it(`is retried, leaves nothing open, and is reached again: ${Object.values(fault).join(', ')}`, async () => {
      const intake = await openIntake({ script: [undefined, fault], tls: serverIdentity(), h2: true })
      const destination = openDestination(withTimeout(datadogConfig(intake.url, { tls: tlsConfig() }), TIMEOUT_MS))
      expect(await destination.send(sendRequest('["x"]'), never)).toMatchObject({ kind: 'delivered' })
      const verdict = destination.send(large(), never)
      if (reason.startsWith('timeout')) {
        await until(() => intake.requests.length === 2)
        await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
      }
      expect(await verdict).toEqual({ kind: 'retry', reason: expect.stringContaining(reason) })
      await allClosed()
      expect(await destination.send(sendRequest('["y"]'), never)).toMatchObject({ kind: 'delivered' })
      expect(intake.requests.every(({ httpVersion }) => httpVersion === '2.0')).toBe(true)
    })
  }
})

describe('an answer that is complete', () => {
  it('counts in HTTP/1.0, too', async () => {
    const intake = await openIntake({ script: [{ kind: 'http-1.0' }] })
    expect(await openDestination(datadogConfig(intake.url)).send(large(), never)).toMatchObject({ kind: 'delivered' })
  })

  it('counts before the body has been read', async () => {
    const intake = await openIntake({ script: [{ kind: 'early', status: 413 }] })
    expect(await openDestination(datadogConfig(intake.url)).send(large(), never)).toMatchObject({ kind: 'too-large' })
  })

  it('counts whatever its body is, up to the echo of a large batch', async () => {
    const body = `${'\u0000\u00ff nonsense '.repeat(200_000)}`
    const intake = await openIntake({ script: [{ kind: 'answer', status: 200, body }] })
    const destination = openDestination(datadogConfig(intake.url))
    expect(await destination.send(large(), never)).toMatchObject({ kind: 'delivered' })
    expect(await destination.send(large(), never)).toMatchObject({ kind: 'delivered' })
  })
})

/** In a process of its own, as it is there in production: it may answer while this one is still at the write. */
async function startReceiver(protocol: string): Promise<{ readonly port: number }> {
  const child = fork(new URL('../../support/receiver.ts', import.meta.url), [protocol])
  closing({ close: async () => child.kill('SIGKILL') })
  const [port] = await once(child, 'message')
  return { port }
}

describe('an answer that promises what it cannot know', () => {
  const huge = sendRequest('x'.repeat(32_000_000))
  const protocols = [
    ['HTTP/1.1', {}, {}],
    ['HTTP/1.1 over TLS', { tls: serverIdentity() }, { tls: tlsConfig() }],
    ['HTTP/2', { tls: serverIdentity(), h2: true }, { tls: tlsConfig() }],
  ] as const
  for (const [protocol, server, config] of protocols) {
    it(`is no receipt for what was not sent yet: ${protocol}`, async () => {
      const intake = await openIntake({ ...server, script: [{ kind: 'early', status: 202 }] })
      const destination = openDestination(datadogConfig(intake.url, config))
      expect(await destination.send(huge, never)).toMatchObject({
        kind: 'retry',
        status: 202,
        reason: expect.stringContaining('before the whole request was sent'),
      })
      expect(await destination.send(sendRequest('["y"]'), never)).toMatchObject({ kind: 'delivered' })
    })

    it(`is not seen in one that has read the request, whatever its size: ${protocol}`, async () => {
      const receiver = await startReceiver(protocol)
      const url = `${'tls' in config ? 'https' : 'http'}://127.0.0.1:${receiver.port}/`
      await expectEverySizeDelivered(datadogConfig(url, config))
    })
  }

  it('is not seen in an https proxy that has read the request to an http receiver either', async () => {
    // It is asked for the address of the receiver, and answers for it.
    const proxy = await startReceiver('HTTP/1.1 over TLS')
    const http = `https://127.0.0.1:${proxy.port}`
    const config = { tls: tlsConfig(), proxy: { http, https: undefined, noProxy: [] } }
    await expectEverySizeDelivered(datadogConfig('http://intake.test/', config))
  })
})

async function expectEverySizeDelivered(config: DestinationConfig): Promise<void> {
  const destination = openDestination(config)
  for (const length of [1, 2, 16_384, 20_000, 65_535, 65_536, 100_000, 262_144, 262_145, 1_000_000, 5_000_000]) {
    for (let request = 0; request < 10; request += 1) {
      expect(await destination.send(sendRequest('x'.repeat(length)), never)).toMatchObject({ kind: 'delivered' })
    }
  }
}

describe('an abort', () => {
  it('in the middle of a body over HTTP/2 stops neither the process nor the other requests', async () => {
    const { port } = await startReceiver('HTTP/2')
    const sender = fork(new URL('../../support/impatient-sender.ts', import.meta.url), [String(port)])
    closing({ close: async () => sender.kill('SIGKILL') })
    expect(await once(sender, 'exit')).toEqual([0, null])
  }, 30_000)

  it('before the attempt sends nothing', async () => {
    const intake = await openIntake()
    const verdict = await openDestination(datadogConfig(intake.url)).send(large(), AbortSignal.abort())
    expect(verdict).toEqual({ kind: 'retry', reason: 'aborted' })
    expect(intake.connections).toBe(0)
  })

  it('ends an attempt that waits for its answer', async () => {
    const intake = await openIntake({ script: [{ kind: 'silence' }] })
    const destination = openDestination(datadogConfig(intake.url))
    const abort = new AbortController()
    const verdict = destination.send(large(), abort.signal)
    await until(() => intake.requests.length === 1)
    abort.abort()
    expect(await verdict).toEqual({ kind: 'retry', reason: 'aborted' })
  })

  it('ends an attempt that waits for its connection', async () => {
    const connected = Promise.withResolvers<void>()
    // Takes connections, and never speaks TLS.
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume()
      connected.resolve()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const destination = openDestination(datadogConfig(`https://127.0.0.1:${port}/`))
    const abort = new AbortController()
    const verdict = destination.send(large(), abort.signal)
    await connected.promise
    abort.abort()
    expect(await verdict).toEqual({ kind: 'retry', reason: 'aborted' })
    await allClosed()
    await new Promise((resolve) => server.close(resolve))
  })
})
