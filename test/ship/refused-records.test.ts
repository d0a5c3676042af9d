import { expect, test } from 'vitest'
import type { DeadLetter } from '../../src/ship/dead-letter.ts'
import type { Verdict } from '../../src/ship/destination.ts'
import { createLane } from '../../src/ship/lane.ts'
import { webhookConfig } from '../support/destination-config.ts'
import { fakeDestination } from '../support/fake-destination.ts'
import { memoryFeed } from '../support/memory-feed.ts'
import { silentLog } from '../support/tail-rig.ts'
import { until } from '../support/until.ts'

const down: Verdict = { kind: 'retry', reason: '503' }
const tooLarge: Verdict = { kind: 'too-large', status: 413, reason: '413' }

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
  const delivery = {
    ...webhookConfig('http://127.0.0.1').delivery,
    batchMaxWaitMs: 0,
    initialBackoffMs: 1,
    maxAttempts: 2,
  }
  const throttle = { take: async () => undefined, stop() {} }
  const lane = createLane({ destination, feed: file.feed, delivery, throttle, deadLetters, log: silentLog })
  lane.start()
  await until(() => file.ledger.watermark === content.length)
  await lane.drain()
  expect(writes.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_record, n) => n))
  expect(Math.max(...writes.map((slice) => slice.length))).toBeLessThanOrEqual(1100)
})
