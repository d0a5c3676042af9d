import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { WebhookConfig } from '../../../src/config/config.ts'
import { secret } from '../../../src/config/secret.ts'
import { sendRequest, webhookConfig, withTimeout } from '../../support/destination-config.ts'
import { closeAfterEach, closing, never, openDestination, openIntake } from '../../support/destinations.ts'
import { startHttpProxy } from '../../support/proxies.ts'
import { fixturePath, fixtureText, serverIdentity, tlsConfig } from '../../support/tls-fixtures.ts'

closeAfterEach()

const BODY = '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"auditID":"1"}]}'

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'webhook-'))
  closing({ close: () => rm(path, { recursive: true }) })
  return path
}

function kubeconfig(cluster: Readonly<Record<string, unknown>>, user: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    'current-context': 'main',
    contexts: [{ name: 'main', context: { cluster: 'sink', user: 'agent' } }],
    clusters: [{ name: 'sink', cluster }],
    users: [{ name: 'agent', user }],
  })
}

describe('the webhook destination', () => {
  it("speaks kube-apiserver's protocol", async () => {
    const intake = await openIntake()
    const destination = openDestination(withTimeout(webhookConfig(`${intake.url}/audit`), 30_000))
    expect(await destination.send(sendRequest(BODY, 'id-1'), never)).toMatchObject({ kind: 'delivered' })
    expect(intake.batches).toMatchObject([
      {
        path: '/audit?timeout=30s',
        id: 'id-1',
        records: [{ auditID: '1' }],
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, */*',
          'user-agent': 'tailship/1.2.3',
        },
      },
    ])
    expect(intake.batches[0]?.headers).not.toHaveProperty('content-encoding')
    expect(intake.batches[0]?.headers).not.toHaveProperty('authorization')
  })

  it('keeps a query, and names a timeout that is not of whole seconds', async () => {
    const intake = await openIntake()
    const destination = openDestination(withTimeout(webhookConfig(`${intake.url}/audit?cluster=a`), 60_500))
    await destination.send(sendRequest(BODY), never)
    expect(intake.batches[0]?.path).toBe('/audit?cluster=a&timeout=60500ms')
  })

  it('compresses if told to', async () => {
    const intake = await openIntake()
    const destination = openDestination(webhookConfig(intake.url, { compression: 'gzip' }))
    await destination.send(sendRequest(BODY), never)
    expect(intake.batches).toMatchObject([{ records: [{ auditID: '1' }], headers: { 'content-encoding': 'gzip' } }])
  })

  it('sends configured headers, whose case does not matter', async () => {
    const intake = await openIntake()
    const headers = { 'X-Cluster': 'a', 'content-TYPE': 'application/vnd.audit+json' }
    await openDestination(webhookConfig(intake.url, { headers })).send(sendRequest(BODY), never)
    expect(intake.batches[0]?.headers).toMatchObject({ 'x-cluster': 'a', 'content-type': 'application/vnd.audit+json' })
  })

  it('sends a token', async () => {
    const intake = await openIntake()
    await openDestination(webhookConfig(intake.url, { token: secret('abc') })).send(sendRequest(BODY), never)
    expect(intake.batches[0]?.headers.authorization).toBe('Bearer abc')
  })

  it('takes up a token file after a minute, or as soon as the old token is refused', async () => {
    let nowMs = 0
    const intake = await openIntake({ script: [undefined, undefined, undefined, { kind: 'answer', status: 401 }] })
    const path = join(await directory(), 'token')
    await writeFile(path, 'one')
    const config = webhookConfig(intake.url, { token: { kind: 'file', path } })
    const destination = openDestination(config, { now: () => nowMs })
    const send = () => destination.send(sendRequest(BODY), never)
    await send()
    await writeFile(path, 'two')
    await send()
    nowMs = 60_000
    await send()
    await writeFile(path, 'three')
    expect(await send()).toMatchObject({ kind: 'retry', status: 401, unauthorized: true })
    await send()
    expect(intake.requests.map(({ headers }) => headers.authorization)).toEqual(
      ['one', 'one', 'two', 'two', 'three'].map((token) => `Bearer ${token}`),
    )
  })

  it('waits for a token file', async () => {
    const intake = await openIntake()
    const path = join(await directory(), 'token')
    const destination = openDestination(webhookConfig(intake.url, { token: { kind: 'file', path } }))
    expect(await destination.send(sendRequest(BODY), never)).toEqual({
      kind: 'retry',
      unauthorized: true,
      reason: `token: ${path}: cannot be read (ENOENT)`,
    })
  })

  it('shows no header it was given, whatever the receiver answers', async () => {
    const body = 'Bearer hunter2-hunter2 and s3cr3t-value are refused'
    const intake = await openIntake({ script: [{ kind: 'answer', status: 400, body }] })
    const config = webhookConfig(intake.url, {
      headers: { Authorization: 'Bearer hunter2-hunter2', 'X-Key': 's3cr3t-value' },
    })
    expect(await openDestination(config).send(sendRequest(BODY), never)).toMatchObject({
      reason: 'HTTP 400 Bad Request: … and … are refused',
    })
  })
})

describe('a webhook by kubeconfig', () => {
  async function setUp(text: string | undefined, more: Partial<WebhookConfig> = {}) {
    const path = join(await directory(), 'kubeconfig')
    if (text !== undefined) await writeFile(path, text)
    const clock = { nowMs: 0 }
    const warnings: string[] = []
    const config = webhookConfig(undefined, { kubeconfig: path, ...more })
    const destination = openDestination(config, { now: () => clock.nowMs, warn: (message) => warnings.push(message) })
    return { path, clock, warnings, destination, send: () => destination.send(sendRequest(BODY), never) }
  }

  it('reaches its server with certificate and token', async () => {
    const intake = await openIntake({ tls: { ...serverIdentity('named'), clientCa: fixtureText('ca.pem') } })
    const cluster = {
      server: `${intake.url}/audit/`,
      'certificate-authority': fixturePath('ca.pem'),
      'tls-server-name': 'intake.test',
    }
    const user = {
      'client-certificate': fixturePath('client-a.pem'),
      'client-key-data': Buffer.from(fixtureText('client-a.key')).toString('base64'),
      token: 'abc',
    }
    const { send, destination } = await setUp(kubeconfig(cluster, user))
    expect(await send()).toMatchObject({ kind: 'delivered' })
    expect(intake.batches).toMatchObject([
      { path: '/audit?timeout=10s', clientName: 'client-a', headers: { authorization: 'Bearer abc' } },
    ])
    expect(destination.description).toBe(`webhook ${intake.url}/audit`)
  })

  it('says who it is by user name and password', async () => {
    const intake = await openIntake({ tls: serverIdentity() })
    const cluster = { server: intake.url, 'insecure-skip-tls-verify': true }
    const { send } = await setUp(kubeconfig(cluster, { username: 'agent', password: 'p:w' }))
    expect(await send()).toMatchObject({ kind: 'delivered' })
    expect(intake.batches[0]?.headers.authorization).toBe(`Basic ${Buffer.from('agent:p:w').toString('base64')}`)
  })

  it('goes through the proxy it names', async () => {
    const intake = await openIntake({ tls: serverIdentity() })
    const proxy = closing(await startHttpProxy())
    const cluster = {
      server: intake.url,
      'certificate-authority': fixturePath('ca.pem'),
      'proxy-url': `http://127.0.0.1:${proxy.port}`,
    }
    const { send } = await setUp(kubeconfig(cluster))
    expect(await send()).toMatchObject({ kind: 'delivered' })
    expect(proxy.asked).toEqual([`127.0.0.1:${intake.port}`])
  })

  it('lets a token stand in for a token file that is not there yet', async () => {
    const intake = await openIntake({ tls: serverIdentity() })
    const tokenFile = join(await directory(), 'token')
    const cluster = { server: intake.url, 'certificate-authority': fixturePath('ca.pem') }
    const { send } = await setUp(kubeconfig(cluster, { token: 'inline', tokenFile }))
    await send()
    await writeFile(tokenFile, 'from-file\n')
    await send()
    expect(intake.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer inline', 'Bearer from-file'])
  })

  it('sends no credential over http://, and warns once', async () => {
    const intake = await openIntake()
    const { send, warnings, clock } = await setUp(kubeconfig({ server: intake.url }, { token: 'hunter2' }))
    await send()
    clock.nowMs = 10_000
    await send()
    expect(intake.batches[0]?.headers).not.toHaveProperty('authorization')
    expect(warnings).toEqual([expect.stringContaining('`token` is not used: it would travel unencrypted')])
  })

  it('is waited for, and taken up when it changes', async () => {
    const [first, second] = [await openIntake(), await openIntake()]
    const { path, send, clock, destination } = await setUp(undefined)
    expect(destination.description).toBe(`webhook of ${path}`)
    expect(await send()).toEqual({ kind: 'retry', reason: `${path}: cannot be read (ENOENT)` })
    await writeFile(path, 'clusters: {}')
    expect(await send()).toMatchObject({ kind: 'retry', reason: expect.stringContaining('`server` is missing') })
    await writeFile(path, kubeconfig({ server: first.url }))
    expect(await send()).toMatchObject({ kind: 'delivered' })
    await writeFile(path, kubeconfig({ server: second.url }))
    clock.nowMs = 10_000
    expect(await send()).toMatchObject({ kind: 'delivered' })
    expect([first.batches.length, second.batches.length]).toEqual([1, 1])
  })

  it('still gets a request that was begun for it when another takes its place', async () => {
    const [first, second] = [await openIntake(), await openIntake()]
    const { path, clock, destination, send } = await setUp(kubeconfig({ server: first.url }), { compression: 'gzip' })
    await send()
    const large = BODY.replace('"1"', JSON.stringify(randomBytes(6_000_000).toString('base64')))
    const compressing = destination.send(sendRequest(large), never)
    await setImmediate()
    await writeFile(path, kubeconfig({ server: second.url }))
    clock.nowMs = 10_000
    expect(await send()).toMatchObject({ kind: 'delivered' })
    expect(await compressing).toMatchObject({ kind: 'delivered' })
    clock.nowMs = 20_000
    expect(await send()).toMatchObject({ kind: 'delivered' })
    expect([first.batches.length, second.batches.length]).toEqual([2, 2])
  })

  it('closes its connections at the look after the one that found another, and at the end', async () => {
    const intakes = [await openIntake(), await openIntake(), await openIntake()]
    const [first = '', ...others] = intakes.map(({ url }) => kubeconfig({ server: url }))
    const { path, clock, destination, send } = await setUp(first)
    const open = () => intakes.map(({ openConnections }) => openConnections)
    await send()
    expect(open()).toEqual([1, 0, 0])
    for (const other of others) {
      await writeFile(path, other)
      clock.nowMs += 10_000
      await send()
    }
    await expect.poll(open).toEqual([0, 1, 1])
    await destination.close()
    await expect.poll(open).toEqual([0, 0, 0])
  })

  it('of before stays while the new one is wrong, with one warning', async () => {
    const intake = await openIntake()
    const { path, send, clock, warnings } = await setUp(kubeconfig({ server: intake.url }))
    await send()
    await writeFile(path, kubeconfig({}))
    for (clock.nowMs of [10_000, 20_000]) expect(await send()).toMatchObject({ kind: 'delivered' })
    expect(warnings).toEqual([expect.stringMatching(/`server` is missing.*; going on as before$/)])
  })

  it('goes on as configured inline otherwise', async () => {
    const intake = await openIntake({ tls: { ...serverIdentity(), clientCa: fixtureText('ca.pem') } })
    const tls = tlsConfig({ certFile: fixturePath('client-b.pem'), keyFile: fixturePath('client-b.key') })
    const destination = openDestination(webhookConfig(intake.url, { tls, token: secret('abc') }))
    expect(await destination.send(sendRequest(BODY), never)).toMatchObject({ kind: 'delivered' })
    expect(intake.batches).toMatchObject([{ clientName: 'client-b', headers: { authorization: 'Bearer abc' } }])
  })
})
