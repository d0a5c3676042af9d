import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { secret } from '../../../src/config/secret.ts'
import type { SendRequest } from '../../../src/ship/destination.ts'
import { recordAttributes } from '../../../src/ship/destinations/record-attributes.ts'
import { datadogConfig, sendRequest } from '../../support/destination-config.ts'
import { closeAfterEach, closing, never, openDestination, openIntake } from '../../support/destinations.ts'

closeAfterEach()

async function keyFile(content?: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'key-'))
  closing({ close: () => rm(directory, { recursive: true }) })
  const path = join(directory, 'api-key')
  if (content !== undefined) await writeFile(path, content)
  return path
}

describe('the datadog destination', () => {
  it('posts a list with the headers of the intake', async () => {
    const intake = await openIntake()
    const destination = openDestination(datadogConfig(`${intake.url}/api/v2/logs`, { apiKey: secret('abc') }))
    expect(await destination.send(sendRequest('[{"a":1}]', 'id-1'), never)).toEqual({ kind: 'delivered', sentBytes: 9 })
    expect(intake.batches).toMatchObject([
      {
        path: '/api/v2/logs',
        id: 'id-1',
        records: [{ a: 1 }],
        headers: {
          'dd-api-key': 'abc',
          'content-type': 'application/json',
          'content-encoding': 'identity',
          'content-length': '9',
          'dd-protocol': 'agent-json',
          'dd-evp-origin': 'tailship',
          'dd-evp-origin-version': '1.2.3',
          'user-agent': 'tailship/1.2.3',
          'idempotency-key': 'id-1',
        },
      },
    ])
    expect(intake.batches[0]?.headers).not.toHaveProperty('transfer-encoding')
  })

  for (const compression of ['zstd', 'gzip'] as const) {
    it(`compresses with ${compression} once, for every attempt`, async () => {
      const intake = await openIntake({ script: [{ kind: 'answer', status: 503 }] })
      const destination = openDestination(datadogConfig(intake.url, { compression }))
      const text = `[${'"x",'.repeat(100_000)}"y"]`
      const request = sendRequest(text)
      expect(await destination.send(request, never)).toMatchObject({ kind: 'retry', status: 503 })
      const { frame } = request.cache
      expect(await destination.send(request, never)).toEqual({ kind: 'delivered', sentBytes: frame?.bytes.length })
      expect(request.cache.frame).toBe(frame)
      expect(
        intake.requests.map(({ id, body, headers }) => [
          id,
          body.equals(Buffer.from(text)),
          headers['content-encoding'],
        ]),
      ).toEqual([
        ['batch-1', true, compression],
        ['batch-1', true, compression],
      ])
    })

    it(`sends several pieces as one body, with ${compression}`, async () => {
      const intake = await openIntake()
      const pieces = ['[', '"x",'.repeat(50_000), '"y"', ']'].map((piece) => Buffer.from(piece))
      const request: SendRequest = { batchId: 'b', pieces, records: 50_001, cache: {} }
      const destination = openDestination(datadogConfig(intake.url, { compression }))
      expect(await destination.send(request, never)).toMatchObject({ kind: 'delivered' })
      expect(intake.batches[0]?.body.equals(Buffer.concat(pieces))).toBe(true)
    })
  }

  it('sends several pieces as one body, uncompressed', async () => {
    const intake = await openIntake()
    const pieces = ['[', '"x",'.repeat(50_000), '"y"', ']'].map((piece) => Buffer.from(piece))
    const request: SendRequest = { batchId: 'b', pieces, records: 50_001, cache: {} }
    expect(await openDestination(datadogConfig(intake.url)).send(request, never)).toMatchObject({ kind: 'delivered' })
    expect(intake.batches[0]?.body.equals(Buffer.concat(pieces))).toBe(true)
  })

  it('takes up a key file as soon as the old key is refused', async () => {
    const intake = await openIntake({ apiKey: 'old' })
    const path = await keyFile('old\n')
    const destination = openDestination(datadogConfig(intake.url, { apiKey: { kind: 'file', path } }), { now: () => 0 })
    expect(await destination.send(sendRequest('[]'), never)).toMatchObject({ kind: 'delivered' })
    intake.setApiKey('new')
    expect(await destination.send(sendRequest('[]'), never)).toEqual({
      kind: 'retry',
      status: 403,
      unauthorized: true,
      reason: 'HTTP 403 Forbidden: {}',
    })
    await writeFile(path, 'new\n')
    expect(await destination.send(sendRequest('[]'), never)).toMatchObject({ kind: 'delivered' })
  })

  it('takes up a key file that changes while the old key still works', async () => {
    let nowMs = 0
    const intake = await openIntake()
    const path = await keyFile('old')
    const destination = openDestination(datadogConfig(intake.url, { apiKey: { kind: 'file', path } }), {
      now: () => nowMs,
    })
    await destination.send(sendRequest('[]'), never)
    await writeFile(path, 'new')
    nowMs = 5000
    await destination.send(sendRequest('[]'), never)
    expect(intake.requests.map(({ headers }) => headers['dd-api-key'])).toEqual(['old', 'new'])
  })

  for (const [content, why] of [
    [undefined, 'cannot be read (ENOENT)'],
    ['\n', 'is empty'],
  ] as const) {
    it(`waits for its key while the file ${why}`, async () => {
      const intake = await openIntake()
      const path = await keyFile(content)
      const destination = openDestination(datadogConfig(intake.url, { apiKey: { kind: 'file', path } }))
      expect(await destination.send(sendRequest('[]'), never)).toEqual({
        kind: 'retry',
        unauthorized: true,
        reason: `API key: ${path}: ${why}`,
      })
      expect(intake.connections).toBe(0)
      await writeFile(path, 'key')
      expect(await destination.send(sendRequest('[]'), never)).toMatchObject({ kind: 'delivered' })
    })
  }

  it('shows neither its key nor what was sent, whatever the intake answers', async () => {
    const record = '{"user":"alice@corp.example","objectRef":{"name":"payroll"}}'
    const script = [`bad key hunter2-hunter2 of hunter2-hunter2`, `cannot index ${record}`].map(
      (body) => ({ kind: 'answer', status: 400, body }) as const,
    )
    const intake = await openIntake({ script })
    const destination = openDestination(
      datadogConfig(intake.url, { apiKey: secret('hunter2-hunter2'), compression: 'zstd' }),
    )
    const verdicts = [
      await destination.send(sendRequest(`[${record}]`), never),
      await destination.send(sendRequest(`[${record}]`), never),
    ]
    expect(verdicts).toMatchObject([
      { kind: 'rejected', reason: 'HTTP 400 Bad Request: bad key … of …' },
      { kind: 'rejected', reason: 'HTTP 400 Bad Request: cannot index {"…":{"name":"…"}}' },
    ])
  })

  it('asks whether the intake lets it in by posting an empty object', async () => {
    const intake = await openIntake({ apiKey: 'test-key' })
    const destination = openDestination(datadogConfig(`${intake.url}/api/v2/logs`, { compression: 'zstd' }))
    expect(await destination.probe?.(never)).toMatchObject({ kind: 'delivered' })
    expect(intake.batches).toMatchObject([{ path: '/api/v2/logs', records: [] }])
    expect(intake.batches[0]?.body.toString()).toBe('{}')
    intake.setApiKey('another')
    expect(await destination.probe?.(never)).toMatchObject({ kind: 'retry', unauthorized: true })
  })

  it('describes itself without secrets', () => {
    const config = datadogConfig('https://http-intake.example/api/v2/logs?dd-api-key=x')
    expect(openDestination(config).description).toBe('datadog https://http-intake.example/api/v2/logs')
  })
})

describe('recordAttributes', () => {
  const path = '/var/log/kubernetes/audit.log'

  it('names host, service, source and tags, with those of the file', () => {
    const labels = { service: 'audit', source: 'kubernetes.audit', tags: ['env:prod', 'team:x'] }
    expect(recordAttributes({ path, labels }, 'node-1')).toBe(
      '"hostname":"node-1","service":"audit","ddsource":"kubernetes.audit",' +
        '"ddtags":"env:prod,team:x,filename:audit.log,dirname:/var/log/kubernetes"',
    )
  })

  it('leaves out what a source does not name', () => {
    const labels = { service: undefined, source: undefined, tags: [] }
    expect(JSON.parse(`{${recordAttributes({ path, labels }, 'n')}}`)).toEqual({
      hostname: 'n',
      ddtags: 'filename:audit.log,dirname:/var/log/kubernetes',
    })
  })

  it('is text that every receiver can decode, also of a file name that is not UTF-8', () => {
    const labels = { service: undefined, source: undefined, tags: [] }
    expect(recordAttributes({ path: '/x\udce9/\udcff.log', labels }, 'n')).toContain(
      'filename:\ufffd.log,dirname:/x\ufffd"',
    )
  })

  it('is JSON whatever the names are, and a comma divides no tag', () => {
    const labels = { service: 'a"b\\', source: 'x\ny', tags: ['k:1,2'] }
    expect(JSON.parse(`{${recordAttributes({ path: '/a,b/"c".log', labels }, 'h\u0000')}}`)).toEqual({
      hostname: 'h\u0000',
      service: 'a"b\\',
      ddsource: 'x\ny',
      ddtags: 'k:1_2,filename:"c".log,dirname:/a_b',
    })
  })
})
