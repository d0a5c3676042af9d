import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { TlsConfig } from '../../../src/config/config.ts'
import { datadogConfig, sendRequest, webhookConfig } from '../../support/destination-config.ts'
import { closeAfterEach, closing, never, openDestination, openIntake } from '../../support/destinations.ts'
import { fixturePath, fixtureText, serverIdentity, tlsConfig } from '../../support/tls-fixtures.ts'

closeAfterEach()

describe('the certificate of a server', () => {
  const rows: readonly [what: string, server: string, tls: Partial<TlsConfig>, reason: string | undefined][] = [
    ['is trusted by ca_file', 'server', {}, undefined],
    [
      'is not trusted by another ca_file',
      'server',
      { caFile: fixturePath('other-ca.pem') },
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE: unable to verify the first certificate: give its CA as tls.ca_file (',
    ],
    [
      'is not trusted by the system',
      'server',
      { caFile: undefined },
      ': give its CA as tls.ca_file (in a kubeconfig: ',
    ],
    ['does not matter with insecure_skip_verify', 'named', { caFile: undefined, insecureSkipVerify: true }, undefined],
    [
      'must be for the address',
      'named',
      {},
      'ERR_TLS_CERT_ALTNAME_INVALID: if it has the right name, give that as tls.server_name (in a kubeconfig: tls-server-name): Hostname/IP does not match',
    ],
    ['must be for server_name instead, if given', 'named', { serverName: 'intake.test' }, undefined],
    ['may be for a server_name that is an address', 'server', { serverName: '::1' }, undefined],
    ['must be for it', 'named', { serverName: '127.0.0.1' }, 'ERR_TLS_CERT_ALTNAME_INVALID: '],
  ]
  for (const [what, server, tls, reason] of rows) {
    it(what, async () => {
      const intake = await openIntake({ tls: serverIdentity(server) })
      const destination = openDestination(datadogConfig(intake.url, { tls: tlsConfig(tls) }))
      expect(await destination.send(sendRequest('[]'), never)).toMatchObject(
        reason === undefined ? { kind: 'delivered' } : { kind: 'retry', reason: expect.stringContaining(reason) },
      )
    })
  }

  it('is not looked at below TLS 1.2, also where Node is told to allow it', async () => {
    const { DEFAULT_CIPHERS, DEFAULT_MIN_VERSION } = tls
    closing({ close: async () => Object.assign(tls, { DEFAULT_CIPHERS, DEFAULT_MIN_VERSION }) })
    Object.assign(tls, { DEFAULT_CIPHERS: 'DEFAULT@SECLEVEL=0', DEFAULT_MIN_VERSION: 'TLSv1' })
    const server = createServer(
      { ...serverIdentity(), minVersion: 'TLSv1', maxVersion: 'TLSv1.1' },
      (request, response) => request.resume().once('end', () => response.end()),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing({ close: () => new Promise((resolve) => server.close(resolve)) })
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const destination = openDestination(datadogConfig(url, { tls: tlsConfig() }))
    expect(await destination.send(sendRequest('[]'), never)).toMatchObject({
      kind: 'retry',
      reason: expect.stringMatching(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/),
    })
  })
})

it('a server without TLS at an https:// address is named as such', async () => {
  const intake = await openIntake()
  const url = intake.url.replace('http:', 'https:')
  expect(await openDestination(webhookConfig(url)).send(sendRequest('[]'), never)).toEqual({
    kind: 'retry',
    reason: 'ERR_SSL_WRONG_VERSION_NUMBER: the server does not speak TLS there: is it http://?',
  })
})

it('a server with TLS at an http:// address is guessed', async () => {
  const intake = await openIntake({ tls: serverIdentity() })
  const url = intake.url.replace('https:', 'http:')
  expect(await openDestination(webhookConfig(url)).send(sendRequest('[]'), never)).toEqual({
    kind: 'retry',
    reason: 'UND_ERR_SOCKET: other side closed without an answer: is it https://?',
  })
})

describe('a client certificate', () => {
  async function rotatable() {
    const directory = await mkdtemp(join(tmpdir(), 'tls-'))
    closing({ close: () => rm(directory, { recursive: true }) })
    const certFile = join(directory, 'tls.crt')
    const keyFile = join(directory, 'tls.key')
    const put = async (name: string, parts: readonly ('pem' | 'key')[] = ['pem', 'key']) => {
      for (const part of parts) {
        await copyFile(fixturePath(`${name}.${part}`), `${certFile}.new`)
        await rename(`${certFile}.new`, part === 'pem' ? certFile : keyFile)
      }
    }
    return { certFile, keyFile, put }
  }

  async function setUp() {
    const files = await rotatable()
    const clock = { nowMs: 0 }
    const intake = await openIntake({ tls: { ...serverIdentity(), clientCa: fixtureText('ca.pem') } })
    const { certFile, keyFile } = files
    const config = webhookConfig(intake.url, { tls: tlsConfig({ certFile, keyFile }) })
    const destination = openDestination(config, { now: () => clock.nowMs })
    const send = () => destination.send(sendRequest('[]'), never)
    return { ...files, clock, intake, send, shown: () => intake.requests.map(({ clientName }) => clientName) }
  }

  it('is shown', async () => {
    const { put, send, shown } = await setUp()
    await put('client-a')
    expect(await send()).toMatchObject({ kind: 'delivered' })
    expect(shown()).toEqual(['client-a'])
  })

  it('is taken up when its files change', async () => {
    const { put, send, shown, clock } = await setUp()
    await put('client-a')
    await send()
    await put('client-b')
    await send()
    clock.nowMs = 5000
    await send()
    expect(shown()).toEqual(['client-a', 'client-a', 'client-b'])
  })

  it('of before stays while the new one has no key yet, or is no certificate', async () => {
    const { put, send, shown, clock, certFile } = await setUp()
    await put('client-a')
    await send()
    await put('client-b', ['pem'])
    clock.nowMs = 5000
    expect(await send()).toMatchObject({ kind: 'delivered' })
    await writeFile(certFile, 'half a certifica')
    clock.nowMs = 10_000
    expect(await send()).toMatchObject({ kind: 'delivered' })
    await put('client-b')
    clock.nowMs = 15_000
    expect(await send()).toMatchObject({ kind: 'delivered' })
    expect(shown()).toEqual(['client-a', 'client-a', 'client-a', 'client-b'])
  })

  it('that is unusable from the start is waited for', async () => {
    const { put, send, certFile, keyFile, clock } = await setUp()
    expect(await send()).toEqual({ kind: 'retry', reason: `${certFile}: cannot be read (ENOENT)` })
    await put('client-a', ['pem'])
    await copyFile(fixturePath('client-b.key'), keyFile)
    clock.nowMs = 5000
    expect(await send()).toEqual({ kind: 'retry', reason: `${keyFile}: does not belong to ${certFile}` })
    await put('client-a')
    clock.nowMs = 10_000
    expect(await send()).toMatchObject({ kind: 'delivered' })
  })

  it('is looked for at once after a failure', async () => {
    const { put, send, shown, intake } = await setUp()
    await put('client-a')
    await send()
    intake.setFault(({ index }) => (index === 1 ? { kind: 'reset', at: 'answer' } : undefined))
    expect(await send()).toMatchObject({ kind: 'retry' })
    await put('client-b')
    await send()
    expect(shown()).toEqual(['client-a', 'client-a', 'client-b'])
  })
})
