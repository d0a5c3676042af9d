import { expect, test } from 'vitest'
import { compileRules, type LineRules } from '../../src/process/rules.ts'
import type { DeadLetter } from '../../src/ship/dead-letter/dead-letter.ts'
import type { DeadLetterEntry } from '../../src/ship/dead-letter/entry.ts'
import { createLane } from '../../src/ship/lane.ts'
import { webhookConfig } from '../support/destination-config.ts'
import { fakeDestination, ok } from '../support/fake-destination.ts'
import { memoryFeed, originOf } from '../support/memory-feed.ts'
import { silentLog } from '../support/tail-rig.ts'
import { until } from '../support/until.ts'

/** Of a lane, in what follows; its batches share 8 MiB for dead lines, which cost 1 KiB each besides their bytes. */
const maxInFlight = 3
const MOST_LINES = (8 * 1024) / (maxInFlight + 1) + 1

function setUp(content: string, port: Pick<DeadLetter, 'write'>, rules?: LineRules) {
  const file = memoryFeed(Buffer.from(content), originOf('/var/log/app.log'))
  const limits = { batchMaxSize: 1000, batchMaxBytes: 5_000_000, maxLineBytes: 1024 * 1024 }
  const fake = fakeDestination(() => ok, limits)
  const lane = createLane({
    destination: fake.destination,
    feed: file.feed,
    delivery: { ...webhookConfig('http://127.0.0.1').delivery, batchMaxWaitMs: 0, maxInFlight },
    throttle: { take: async () => undefined, stop() {} },
    deadLetters: port,
    log: silentLog,
    rulesOf: () => rules,
  })
  lane.start()
  return { file, fake, lane }
}

/** Stores everything, and the watermark at the time of each write. */
function storing() {
  const writes: (readonly DeadLetterEntry[])[] = []
  const port: Pick<DeadLetter, 'write'> = {
    async write(entries) {
      writes.push(entries)
      return { kind: 'stored' }
    },
  }
  return { port, writes }
}

const spanOf = ({ start, end }: DeadLetterEntry) => [start, end]

test.each([
  ['of a byte', '-', 100_000],
  ['of text', 'I1126 09:00:00.000000 1 controller.go:1]', 50_000],
  ['of 2 KiB', 'x'.repeat(2048), 20_000],
])(
  'lines %s that no record can carry are stored a few at a time, each once and where it lies',
  async (_of, line, count) => {
    const { port, writes } = storing()
    const content = `${line}\n`.repeat(count)
    const { file, lane } = setUp(content, port)
    await until(() => file.ledger.watermark === content.length)
    await lane.drain()
    expect(Math.max(...writes.map((entries) => entries.length))).toBeLessThanOrEqual(MOST_LINES)
    const bytes = writes.map((entries) => entries.reduce((sum, { line }) => sum + line.length, 0))
    expect(Math.max(...bytes)).toBeLessThanOrEqual(MOST_LINES * 1024)
    const width = line.length + 1
    expect(writes.flat().map(spanOf)).toEqual(Array.from({ length: count }, (_, n) => [n * width, (n + 1) * width]))
    const deadBytes = file.settlements.reduce((sum, { deadLetteredBytes }) => sum + deadLetteredBytes, 0)
    expect(deadBytes).toBe(content.length)
  },
)

test('a lane whose dead letter is full holds no more of them than its batches may carry', async () => {
  const offered = new Set<number>()
  const port: Pick<DeadLetter, 'write'> = {
    async write(entries) {
      for (const { start } of entries) offered.add(start)
      return { kind: 'full', stored: 0 }
    },
  }
  const { file, lane } = setUp('-\n'.repeat(200_000), port)
  await until(() => lane.account.held === maxInFlight)
  expect(offered.size).toBeLessThanOrEqual(maxInFlight * MOST_LINES)
  expect([lane.account.held, file.ledger.watermark]).toEqual([maxInFlight, 0])
  await lane.abort()
})

test('records among many of them are delivered in their order', async () => {
  const { port, writes } = storing()
  const records = Array.from({ length: 200 }, (_, n) => `{"n":${n}}`)
  const content = records.map((record) => `${'-\n'.repeat(500)}${record}\n`).join('')
  const { file, fake, lane } = setUp(content, port)
  await until(() => file.ledger.watermark === content.length)
  await lane.drain()
  expect(fake.delivered).toEqual(records)
  expect(writes.flat()).toHaveLength(100_000)
  expect(Math.max(...writes.map((entries) => entries.length))).toBeLessThanOrEqual(MOST_LINES)
})

test('many of them among lines that rules drop are stored, each once', async () => {
  const { port, writes } = storing()
  const content = `${'-\n'.repeat(100)}{"drop":1}\n`.repeat(500)
  const rules = compileRules([{ kind: 'exclude_at_match', name: 'drop', pattern: 'drop' }])
  const { file, fake, lane } = setUp(content, port, rules)
  await until(() => file.ledger.watermark === content.length)
  await lane.drain()
  expect(fake.requests).toEqual([])
  expect(new Set(writes.flat().map(({ start }) => start)).size).toBe(50_000)
  expect(writes.flat()).toHaveLength(50_000)
  expect(Math.max(...writes.map((entries) => entries.length))).toBeLessThanOrEqual(MOST_LINES)
})

test('many events of one line that cannot be masked are stored a few at a time, each once and where it lies', async () => {
  const { port, writes } = storing()
  const event = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","m":"x"}'
  const content = `${event.repeat(10_000)}\n{"n":1}\n`
  const rules = compileRules([
    { kind: 'mask_sequences', name: 'long', pattern: 'x', placeholder: 'y'.repeat(1024 * 1024) },
  ])
  const { file, fake, lane } = setUp(content, port, rules)
  await until(() => file.ledger.watermark === content.length)
  await lane.drain()
  expect(fake.delivered).toEqual(['{"n":1}'])
  expect(Math.max(...writes.map((entries) => entries.length))).toBeLessThanOrEqual(MOST_LINES)
  const width = event.length
  const spans = Array.from({ length: 10_000 }, (_, n) => [n * width, (n + 1) * width + (n === 9999 ? 1 : 0)])
  expect(writes.flat().map(spanOf)).toEqual(spans)
})
