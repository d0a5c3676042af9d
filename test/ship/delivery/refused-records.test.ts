import { describe, expect, test } from 'vitest'
import { compileRules } from '../../../src/process/rules.ts'
import type { DeadLetter } from '../../../src/ship/dead-letter/dead-letter.ts'
import type { Verdict } from '../../../src/ship/destination.ts'
import { createLane } from '../../../src/ship/lane.ts'
import { webhookConfig } from '../../support/destination-config.ts'
import { fakeDestination, ok, refused, type SentRequest, tooLarge } from '../../support/fake-destination.ts'
import { memoryFeed, originOf } from '../../support/memory-feed.ts'
import { silentLog } from '../../support/tail-rig.ts'
import { until } from '../../support/until.ts'

const down: Verdict = { kind: 'retry', reason: '503' }

const { delivery } = webhookConfig('http://127.0.0.1')
const options = {
  delivery: { ...delivery, batchMaxWaitMs: 0, initialBackoffMs: 1, maxAttempts: 2 },
  throttle: { take: async () => undefined, stop() {} },
  log: silentLog,
}

test.each([
  ['gave no answer to', down],
  ['finds too large', tooLarge],
])('records that a destination %s are stored a slice at a time, each once and in order', async (_, verdict) => {
  const count = 5000
  const content = Buffer.from(Array.from({ length: count }, (_record, n) => `{"n":${n}}\n`).join(''))
  const file = memoryFeed(content)
  const writes: number[][] = []
  const deadLetters: Pick<DeadLetter, 'write'> = {
    async write(entries) {
      writes.push(entries.map(({ line }) => JSON.parse(Buffer.from(line).toString()).n))
      return { kind: 'stored' }
    },
  }
  const limits = { batchMaxSize: count, batchMaxBytes: 1_000_000, maxLineBytes: 1024 }
  const { destination } = fakeDestination(() => verdict, limits)
  const lane = createLane({ ...options, destination, feed: file.feed, deadLetters })
  lane.start()
  await until(() => file.ledger.watermark === content.length)
  await lane.drain()
  expect(writes.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_record, n) => n))
  expect(Math.max(...writes.map((slice) => slice.length))).toBeLessThanOrEqual(1100)
  expect(file.settlements.reduce((sum, { deadLetteredBytes }) => sum + deadLetteredBytes, 0)).toBe(content.length)
})

describe('what no destination takes is not settled', () => {
  const plain = '{"n":1}\n'
  const event = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","requestObject":{"data":"${'x'.repeat(200)}"}}\n`

  /** A lane that gets one line; `answer` is asked for truncated events. */
  function open(line: string, answer: () => Verdict, deadLetters: Pick<DeadLetter, 'write'>) {
    const file = memoryFeed(Buffer.from(line))
    const limits = { batchMaxSize: 1, batchMaxBytes: 1_000_000, maxLineBytes: 1024 }
    const { destination } = fakeDestination(({ body }) => (body.includes('truncated') ? answer() : tooLarge), limits)
    const delivery = { ...webhookConfig('http://127.0.0.1').delivery, batchMaxWaitMs: 0, initialBackoffMs: 1 }
    const throttle = { take: async () => undefined, stop() {} }
    const lane = createLane({ destination, feed: file.feed, delivery, throttle, deadLetters, log: silentLog })
    lane.start()
    return { file, lane }
  }

  test.each([
    ['no record', 'text\n'],
    ['a record', plain],
    ['a truncated one', event],
  ])('when the dead letter had no room for it before the end (%s)', async (_, line) => {
    let writes = 0
    const { file, lane } = open(line, () => tooLarge, {
      async write() {
        writes += 1
        return { kind: 'full', stored: 0 }
      },
    })
    await until(() => writes > 0)
    await lane.abort()
    expect([file.ledger.watermark, file.settlements]).toEqual([0, []])
  })

  test('nor a dead letter, when its truncated form was under way at the end', async () => {
    const dead: unknown[] = []
    let ended: Promise<void> | undefined
    const { file, lane } = open(
      event,
      () => {
        ended = lane.abort()
        return down
      },
      {
        async write(entries) {
          dead.push(...entries)
          return { kind: 'stored' }
        },
      },
    )
    await until(() => ended !== undefined)
    await ended
    expect([file.ledger.watermark, file.settlements, dead]).toEqual([0, [], []])
  })

  test.each([
    ['refuses everything', 'batch', refused, '{"n":1}\n'],
    ['does not take a RequestReceived event', 'blocking-strict', tooLarge, '{"stage":"RequestReceived"}\n'],
  ] as const)('nor a dead letter, when the destination %s until the end', async (_, mode, verdict, line) => {
    const dead: unknown[] = []
    const file = memoryFeed(Buffer.from(line))
    const { destination } = fakeDestination(() => verdict, {
      batchMaxSize: 1,
      batchMaxBytes: 1_000_000,
      maxLineBytes: 1024,
    })
    const lane = createLane({
      destination,
      feed: file.feed,
      delivery: { ...webhookConfig('http://127.0.0.1').delivery, mode, batchMaxWaitMs: 0 },
      throttle: { take: async () => undefined, stop() {} },
      deadLetters: {
        async write(entries) {
          dead.push(...entries)
          return { kind: 'stored' }
        },
      },
      log: silentLog,
    })
    lane.start()
    await until(() => lane.account.trouble === 'misconfigured' || lane.account.held > 0)
    await lane.abort()
    expect([file.ledger.watermark, file.settlements, dead]).toEqual([0, [], []])
  })
})

const event = (more: string) => `{"kind":"Event","apiVersion":"audit.k8s.io/v1",${more}}`

test.each<[string, Uint8Array | string, bytes: number]>([
  ['that ends with a carriage return, too', '{"n":1}\r\n', 9],
  ['that is no UTF-8', Buffer.from('{"n":"\xff\xfe\xfd"}\n', 'latin1'), 12],
  ['that a mask made longer', '{"n":"secret"}\n', 15],
  ['that lost its newline', `${event('"n":1')}${event('"n":2')}\n`, 2 * event('"n":1').length + 1],
  ['that was too long, without what was cut out of it', `${event(`"requestObject":"${'x'.repeat(2000)}"`)}\n`, 96],
])('a refused record %s is counted by its length in the log', async (_, line, bytes) => {
  const file = memoryFeed(Buffer.concat([Buffer.from(line), Buffer.from('{"good":1}\r\n')]), originOf('/a.log', 1024))
  const rules = compileRules([{ kind: 'mask_sequences', name: 'm', pattern: 'secret', placeholder: '*'.repeat(99) }])
  const limits = { batchMaxSize: 10, batchMaxBytes: 4096, maxLineBytes: 1024 }
  const isGood = ({ records }: SentRequest) => records.join() === '{"good":1}'
  const { destination, delivered } = fakeDestination((request) => (isGood(request) ? ok : refused), limits)
  const deadLetters: Pick<DeadLetter, 'write'> = { write: async () => ({ kind: 'stored' }) }
  const lane = createLane({ ...options, destination, feed: file.feed, deadLetters, rulesOf: () => rules })
  lane.start()
  await until(() => file.ledger.entries === 0 && file.settlements.length > 0)
  await lane.drain()
  expect(delivered).toEqual(['{"good":1}'])
  expect(file.settlements.reduce((sum, { deadLetteredBytes }) => sum + deadLetteredBytes, 0)).toBe(bytes)
})
