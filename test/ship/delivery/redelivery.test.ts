import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLaneAccount } from '../../../src/ship/delivery/lane-account.ts'
import { createRedelivery } from '../../../src/ship/delivery/redelivery.ts'
import type { Verdict } from '../../../src/ship/destination.ts'
import { webhookConfig } from '../../support/destination-config.ts'
import { never } from '../../support/destinations.ts'
import { busy, fakeDestination, ok, refused, type SentRequest, tooLarge } from '../../support/fake-destination.ts'
import { originOf } from '../../support/memory-feed.ts'
import { silentLog } from '../../support/tail-rig.ts'
import { entryOf } from '../dead-letter/entries.ts'

const record = (n: number) => JSON.stringify({ n })
const entries = (count: number) => Array.from({ length: count }, (_, n) => entryOf(record(n)))

function setUp(answer: (request: SentRequest, attempt: number) => Verdict | Promise<Verdict>, maxAttempts = 3) {
  const fake = fakeDestination(answer, { batchMaxSize: 10, batchMaxBytes: 4096, maxLineBytes: 1024 })
  const { delivery } = webhookConfig('http://127.0.0.1')
  const redeliver = createRedelivery({
    context: {
      destination: fake.destination,
      delivery: { ...delivery, initialBackoffMs: 1, maxBackoffMs: 1, maxAttempts },
      throttle: { take: async () => undefined, stop() {} },
      account: createLaneAccount(),
      log: silentLog,
      floor: { notBeforeMs: 0 },
    },
    originOf: ({ path }) => originOf(path, 1024),
  })
  return { fake, redeliver }
}

describe('a redelivery', () => {
  it('sends entries in their order, in batches of the destination', async () => {
    const { fake, redeliver } = setUp(() => ok)

    const sent = await redeliver(entries(25), never)

    expect(sent).toEqual({ delivered: new Set(Array(25).keys()), kept: new Map(), unreachable: undefined })
    expect(fake.requests.map(({ records }) => records.length)).toEqual([10, 10, 5])
    expect(fake.delivered).toEqual(Array.from({ length: 25 }, (_, n) => record(n)))
  })

  it.each([
    ['refused', refused, '400'],
    ['too large', tooLarge, '413'],
  ])('keeps the record that is %s, with the reason, and delivers its neighbours', async (_name, verdict, reason) => {
    const { redeliver } = setUp(({ records }) => (records.includes(record(6)) ? verdict : ok))

    const { delivered, kept } = await redeliver(entries(10), never)

    expect([...delivered].toSorted()).toEqual([0, 1, 2, 3, 4, 5, 7, 8, 9])
    expect([...kept]).toEqual([[6, reason]])
  })

  it('keeps everything where everything is refused', async () => {
    const { redeliver } = setUp(() => refused)

    const { delivered, kept, unreachable } = await redeliver(entries(12), never)

    expect([delivered.size, kept.size, new Set(kept.values()), unreachable]).toEqual([
      0,
      12,
      new Set(['400']),
      undefined,
    ])
  })

  it('says what stands in the way of entries and sends the others', async () => {
    const { fake, redeliver } = setUp(() => ok)
    const torn = entryOf('{"a":', { reason: 'torn-line' })
    const text = entryOf('no json', { reason: 'not-json' })

    const { delivered, kept } = await redeliver([torn, ...entries(1), text, ...entries(1)], never)

    expect([...delivered]).toEqual([1, 3])
    expect([...kept]).toEqual([
      [0, 'the front of a line that was never finished'],
      [2, 'not a JSON object, as the destination requires'],
    ])
    expect(fake.requests).toHaveLength(1)
  })

  it('gives up after some attempts, and then tries nothing else', async () => {
    const { fake, redeliver } = setUp(({ records }) => (records.includes(record(12)) ? busy : ok))

    const sent = await redeliver(entries(25), never)

    expect(sent).toEqual({ delivered: new Set(Array(10).keys()), kept: new Map(), unreachable: '503' })
    expect(fake.requests).toHaveLength(1 + 3)
  })

  it('knows what was delivered of a batch that it gave up', async () => {
    const { redeliver } = setUp(({ records }) => {
      if (records.length > 5) return refused
      return records.includes(record(7)) ? busy : ok
    })

    expect(await redeliver(entries(10), never)).toEqual({
      delivered: new Set([0, 1, 2, 3, 4]),
      kept: new Map(),
      unreachable: '503',
    })
  })

  it('stops when it is told to, knowing what was delivered', async () => {
    const controller = new AbortController()
    const { redeliver } = setUp((_request, attempt) => {
      if (attempt === 2) controller.abort()
      return attempt === 2 ? busy : ok
    })

    expect(await redeliver(entries(25), controller.signal)).toEqual({
      delivered: new Set(Array(10).keys()),
      kept: new Map(),
      unreachable: undefined,
    })
  })

  it('sends equal entries under the same id, and others of the same span under another', async () => {
    const { fake, redeliver } = setUp(() => ok)

    for (const line of [record(1), record(1), record(2)])
      await redeliver([entryOf(line, { start: 5, end: 500 })], never)

    const [first, again, other] = fake.requests.map(({ batchId }) => batchId)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
  })

  it('for any poison delivers all others, each once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.uniqueArray(fc.nat(39)), async (count, poisoned) => {
        const poison = new Set(poisoned.filter((n) => n < count).map(record))
        const { fake, redeliver } = setUp(({ records }) => (records.some((line) => poison.has(line)) ? refused : ok))

        const { delivered, kept } = await redeliver(entries(count), never)

        expect([...kept.keys()].map(record).toSorted()).toEqual([...poison].toSorted())
        expect([...delivered].map(record).toSorted()).toEqual(fake.delivered.toSorted())
        expect(delivered.size + kept.size).toBe(count)
      }),
      { numRuns: 60 },
    )
  })
})
