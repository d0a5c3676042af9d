import dns from 'node:dns'
import { constants, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { datadogConfig, sendRequest, webhookConfig } from '../../support/destination-config.ts'
import { closeAfterEach, closing, never, openDestination, openIntake } from '../../support/destinations.ts'
import { serverIdentity, tlsConfig } from '../../support/tls-fixtures.ts'

closeAfterEach()

/** Two receivers on one port, and a name that means the first until it is told to move. */
async function movingName() {
  const first = await openIntake()
  const second = await openIntake({ host: '127.0.0.2', port: first.port })
  let address = '127.0.0.1'
  const answer = (...asked: unknown[]) => {
    const callback = asked.at(-1) as (error: null, addresses: { address: string; family: number }[]) => void
    setImmediate(() => callback(null, [{ address, family: 4 }]))
  }
  // The system's resolver has no other place to put a name of a test into.
  vi.spyOn(dns, 'lookup').mockImplementation(answer as never)
  return {
    first,
    second,
    url: `http://sink.test:${first.port}`,
    move: () => {
      address = '127.0.0.2'
    },
  }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a name that moves to another address', () => {
  it('is followed within minutes while the old address still answers', async () => {
    let nowMs = 0
    const { first, second, url, move } = await movingName()
    const destination = openDestination(webhookConfig(url), { now: () => nowMs })
    for (nowMs of [0, 299_000, 300_000]) {
      await destination.send(sendRequest(`{"items":[${nowMs}]}`), never)
      await new Promise(setImmediate)
      move()
    }
    expect([first.records(), second.records()]).toEqual([[0, 299_000], [300_000]])
  })

  it('is followed at once when the old address does not answer', async () => {
    const { first, second, url, move } = await movingName()
    const destination = openDestination(webhookConfig(url))
    expect(await destination.send(sendRequest('{"items":[1]}'), never)).toMatchObject({ kind: 'delivered' })
    first.setFault(() => ({ kind: 'reset', at: 'headers' }))
    await new Promise(setImmediate)
    move()
    expect(await destination.send(sendRequest('{"items":[2]}'), never)).toMatchObject({ kind: 'retry' })
    expect(await destination.send(sendRequest('{"items":[2]}'), never)).toMatchObject({ kind: 'delivered' })
    expect([first.records(), second.records()]).toEqual([[1], [2]])
  })
})

describe('connections', () => {
  it('are kept and used again', async () => {
    const intake = await openIntake()
    const destination = openDestination(datadogConfig(intake.url))
    for (let round = 0; round < 3; round += 1) {
      expect(await destination.send(sendRequest('["a"]'), never)).toMatchObject({ kind: 'delivered' })
      await new Promise(setImmediate)
    }
    expect(intake.requests.map(({ connection }) => connection)).toEqual([0, 0, 0])
  })

  it('are as many as there are requests at a time', async () => {
    const all = Promise.withResolvers<void>()
    const script = Array.from({ length: 3 }, () => ({ kind: 'hold', until: all.promise }) as const)
    const intake = await openIntake({ script })
    const destination = openDestination(datadogConfig(intake.url))
    const verdicts = Promise.all([1, 2, 3].map(() => destination.send(sendRequest('["a"]'), never)))
    await expect.poll(() => intake.requests.length).toBe(3)
    all.resolve()
    await verdicts
    expect(new Set(intake.requests.map(({ connection }) => connection)).size).toBe(3)
  })

  it('are renewed after some minutes, so that names are looked up again', async () => {
    let nowMs = 0
    const intake = await openIntake()
    const destination = openDestination(datadogConfig(intake.url), { now: () => nowMs })
    for (nowMs of [0, 299_000, 300_000]) {
      await destination.send(sendRequest('["a"]'), never)
      await new Promise(setImmediate)
    }
    expect(intake.requests.map(({ connection }) => connection)).toEqual([0, 0, 1])
  })

  it('are renewed after a failure on one of them, while the others finish', async () => {
    const next = Promise.withResolvers<void>()
    const script = [
      { kind: 'hold', until: next.promise },
      { kind: 'reset', at: 'answer' },
    ] as const
    const intake = await openIntake({ script })
    const destination = openDestination(datadogConfig(intake.url))
    const slow = destination.send(sendRequest('["slow"]'), never)
    await expect.poll(() => intake.requests.length).toBe(1)
    expect(await destination.send(sendRequest('["failing"]'), never)).toMatchObject({ kind: 'retry' })
    expect(await destination.send(sendRequest('["next"]'), never)).toMatchObject({ kind: 'delivered' })
    next.resolve()
    expect(await slow).toMatchObject({ kind: 'delivered' })
    await new Promise(setImmediate)
    await destination.send(sendRequest('["last"]'), never)
    expect(intake.requests.map(({ connection }) => connection)).toEqual([0, 1, 2, 2])
  })

  it('are as many over HTTP/2, where the server offers it, and are used again', async () => {
    const all = Promise.withResolvers<void>()
    const script = Array.from({ length: 3 }, () => ({ kind: 'hold', until: all.promise }) as const)
    const intake = await openIntake({ tls: serverIdentity(), h2: true, script })
    const destination = openDestination(datadogConfig(intake.url, { tls: tlsConfig() }))
    const body = `["${'x'.repeat(2_000_000)}"]`
    const verdicts = Promise.all([1, 2, 3].map(() => destination.send(sendRequest(body), never)))
    await expect.poll(() => intake.requests.length).toBe(3)
    all.resolve()
    expect((await verdicts).map(({ kind }) => kind)).toEqual(['delivered', 'delivered', 'delivered'])
    await destination.send(sendRequest(body), never)
    expect(intake.requests.map(({ httpVersion }) => httpVersion)).toEqual(['2.0', '2.0', '2.0', '2.0'])
    expect(intake.connections).toBe(3)
  })

  it.each(['stream', 'session'])('speak HTTP/1.1 where the server requires it of a %s of HTTP/2', async (of) => {
    const served: string[] = []
    const server = createSecureServer({ ...serverIdentity(), allowHTTP1: true })
    server.on('stream', (stream) => {
      stream.on('error', () => undefined)
      if (of === 'stream') stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED)
      else stream.session?.goaway(constants.NGHTTP2_HTTP_1_1_REQUIRED)
    })
    server.on('request', ({ httpVersion }, response) => {
      if (httpVersion === '2.0') return
      served.push(httpVersion)
      if (served.length === 2) response.destroy()
      else response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing({ close: () => new Promise((resolve) => server.close(resolve)) })
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const destination = openDestination(datadogConfig(url, { tls: tlsConfig() }))
    const verdicts = []
    for (let round = 0; round < 5; round += 1) verdicts.push(await destination.send(sendRequest('[]'), never))
    // After a failure of HTTP/1.1, HTTP/2 is tried again: the server may be another one by then.
    expect(verdicts.map(({ kind }) => kind)).toEqual(['retry', 'delivered', 'retry', 'retry', 'delivered'])
    expect(served).toEqual(['1.1', '1.1', '1.1'])
  })

  it('go to a unix socket', async () => {
    const intake = await openIntake({ unixSocket: true })
    const destination = openDestination(webhookConfig(`unix://${intake.socketPath}:/audit`))
    expect(await destination.send(sendRequest('{"items":[]}'), never)).toMatchObject({ kind: 'delivered' })
    expect(intake.batches[0]).toMatchObject({ path: '/audit?timeout=10s', headers: { host: 'localhost' } })
    expect(destination.description).toBe(`webhook unix://${intake.socketPath}:/audit`)
  })

  it('let what is under way finish when they are closed, and take nothing more', async () => {
    const goOn = Promise.withResolvers<void>()
    const intake = await openIntake({ script: [{ kind: 'hold', until: goOn.promise }] })
    const destination = openDestination(datadogConfig(intake.url))
    const slow = destination.send(sendRequest('["slow"]'), never)
    await expect.poll(() => intake.requests.length).toBe(1)
    const closed = destination.close()
    goOn.resolve()
    await closed
    expect(await slow).toMatchObject({ kind: 'delivered' })
    expect(await destination.send(sendRequest('["late"]'), never)).toEqual({ kind: 'retry', reason: 'closed' })
  })
})
