import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEventSource, identityOf } from '../../src/demo/events/events.ts'
import { type Intake, startIntake } from '../../src/demo/intake.ts'
import { until } from '../support/until.ts'

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
}

const lines = Array.from(
  { length: 5 },
  (
    (source) => () =>
      source.next().toString().trimEnd()
  )(createEventSource(9)),
)
const [first = '', second = ''] = lines

let intake: Intake

beforeEach(async () => {
  intake = await startIntake({ path: '/api/v2/logs', apiKey: 'right' })
})

afterEach(() => intake.close())

function post(messages: readonly string[], headers: Record<string, string> = {}, path = '/api/v2/logs') {
  return new Promise<Answer>((resolve, reject) => {
    const request = httpRequest(new URL(path, intake.url), {
      method: 'POST',
      headers: { 'dd-api-key': 'right', ...headers },
    })
    request.on('response', (response) =>
      text(response).then(() => resolve({ status: response.statusCode, headers: response.headers }), reject),
    )
    request.on('error', reject)
    request.end(JSON.stringify(messages.map((message) => ({ message }))))
  })
}

describe('an intake', () => {
  it('counts events by identity, with the request each arrival came in', async () => {
    expect((await post([first, second], { 'idempotency-key': 'a' })).status).toBe(202)
    expect((await post([second], { 'idempotency-key': 'b' })).status).toBe(202)
    const { arrivals, requests, bytes } = intake.received
    expect(Object.fromEntries(arrivals)).toEqual({
      [identityOf(first) ?? '']: [{ request: 0, crc32: crc32(first) }],
      [identityOf(second) ?? '']: [
        { request: 0, crc32: crc32(second) },
        { request: 1, crc32: crc32(second) },
      ],
    })
    expect(requests).toMatchObject([
      { batchId: 'a', reply: 'sent' },
      { batchId: 'b', reply: 'sent' },
    ])
    expect(bytes).toBe(Buffer.byteLength(`${first}\n${second}\n`))
  })

  it('keeps records apart that are no whole event', async () => {
    await post([first.slice(0, 400), `${first.slice(0, 400)}${second}`, 'plain', '{"a":1}'])
    expect(intake.received.unreadable).toEqual([identityOf(first), identityOf(first), undefined, undefined])
    expect(intake.received.arrivals.size).toBe(0)
  })

  it('refuses a wrong key, a wrong path and a wrong encoding, and takes nothing from them', async () => {
    const answers = await Promise.all([
      post([first], { 'dd-api-key': 'wrong' }),
      post([first], {}, '/elsewhere'),
      post([first], { 'content-encoding': 'zstd' }),
    ])
    expect(answers.map((answer) => answer.status)).toEqual([403, 404, 400])
    expect(Object.fromEntries(intake.received.refusals)).toEqual({
      '403 wrong API key': 1,
      '404 wrong path': 1,
      '400 declared as zstd, but is none': 1,
    })
    expect(intake.received.arrivals.size).toBe(0)
  })

  it('answers 429 with the rest of the time, and takes nothing meanwhile', async () => {
    intake.throttle(30)
    const answer = await post([first])
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '30'])
    expect([intake.received.throttled, intake.received.arrivals.size]).toEqual([1, 0])
    intake.throttle(0)
    expect((await post([first])).status).toBe(202)
  })

  it('loses one reply after it has taken the batch, and not that to a request without events', async () => {
    intake.loseNextReply()
    expect((await post([])).status).toBe(202)
    await expect(post([first])).rejects.toThrow('socket hang up')
    expect((await post([first])).status).toBe(202)
    expect(intake.received.requests.map((request) => request.reply)).toEqual(['sent', 'lost', 'sent'])
    expect([...intake.received.arrivals.values()].map((arrivals) => arrivals.length)).toEqual([2])
  })

  it('refuses connections while it is down, and is back on the same port', async () => {
    const { url } = intake
    await intake.goDown()
    await expect(post([first])).rejects.toThrow('ECONNREFUSED')
    await intake.comeBack()
    expect((await post([first])).status).toBe(202)
    expect(intake.url).toBe(url)
  })

  it('cuts the connections of requests it has not answered when it goes down', async () => {
    intake.slowDown(60_000)
    const cut = expect(post([first])).rejects.toThrow('socket hang up')
    await until(() => intake.unanswered === 1)
    await intake.goDown()
    await cut
    await until(() => intake.received.requests[0]?.reply === 'cut')
    expect(intake.unanswered).toBe(0)
  })
})
