import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Answer } from '../../../src/ship/http/answer.ts'
import type { Connections } from '../../../src/ship/http/connections.ts'
import { parseTarget } from '../../../src/ship/http/target.ts'
import { Transport } from '../../../src/ship/http/transport.ts'

const tls = { ca: undefined, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false }
const request = { path: '/', headers: {}, body: { pieces: [] } }
const never = new AbortController().signal

test('connections that cannot be closed hold up neither requests nor the end', async () => {
  const target = parseTarget('http://127.0.0.1:1/')
  if (!target) throw new Error('no target')
  const answers: Answer[] = [
    { kind: 'failed', reason: 'ECONNRESET' },
    { kind: 'answered', status: 200, requestSent: true, retryAfter: undefined, location: undefined, text: '' },
  ]
  const asked: Connections[] = []
  const openUnclosable = (): Connections => ({
    async post() {
      asked.push(this)
      return answers.shift() ?? { kind: 'failed', reason: 'asked too often' }
    },
    destroy: () => Promise.reject(new Error('cannot be closed')),
  })
  const options = { target, tls, proxy: undefined, requestTimeoutMs: 1000, now: () => 0 }
  const transport = new Transport(options, openUnclosable)
  // One that fails retires its connections.
  expect((await transport.post(request, never)).kind).toBe('failed')
  expect((await transport.post(request, never)).kind).toBe('answered')
  expect(new Set(asked).size).toBe(2)
  expect(await transport.close()).toBe(undefined)
  // A rejection that nobody heeds comes a turn later.
  await setImmediate()
})
