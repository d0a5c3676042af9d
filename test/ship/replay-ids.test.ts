import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDeadLetter } from '../../src/ship/dead-letter/dead-letter.ts'
import { replayDeadLetter } from '../../src/ship/dead-letter/replay.ts'
import { createLaneAccount } from '../../src/ship/delivery/lane-account.ts'
import { createRedelivery } from '../../src/ship/delivery/redelivery.ts'
import { createLane } from '../../src/ship/lane.ts'
import { webhookConfig } from '../support/destination-config.ts'
import { never } from '../support/destinations.ts'
import { fakeDestination, ok, refused, type SentRequest } from '../support/fake-destination.ts'
import { memoryFeed, originOf } from '../support/memory-feed.ts'
import { silentLog } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const { delivery } = webhookConfig('http://127.0.0.1')
const throttle = { take: async () => undefined, stop() {} }
const same = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","m":"same"}'

let root: ReturnType<typeof tempDir>
beforeEach(() => {
  root = tempDir()
})
afterEach(() => root[Symbol.dispose]())

const open = () => openDeadLetter({ dir: root.path, maxBytes: 1e6 })

/** Puts the lines that are `same` into a dead letter, as a destination makes a lane do that refuses them. */
async function deadLetter(...lines: readonly string[]): Promise<void> {
  const content = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  const file = memoryFeed(content, originOf('/var/log/audit.log'))
  const limits = { batchMaxSize: 100, batchMaxBytes: 4096, maxLineBytes: 1024 }
  const { destination } = fakeDestination(({ records }) => (records.includes(same) ? refused : ok), limits)
  const options = { destination, feed: file.feed, throttle, log: silentLog, deadLetters: await open() }
  const lane = createLane({ ...options, delivery: { ...delivery, batchMaxWaitMs: 0 } })
  lane.start()
  await until(() => file.ledger.watermark === content.length)
  await lane.drain()
}

/** Replays in requests of a record each, to a receiver that `signal` stops after `most` of them. */
async function replay(most = Infinity) {
  const stop = new AbortController()
  const limits = { batchMaxSize: 1, batchMaxBytes: 4096, maxLineBytes: 1024 }
  const fake = fakeDestination((_request, attempt) => {
    if (attempt >= most) stop.abort()
    return ok
  }, limits)
  const redeliver = createRedelivery({
    context: {
      destination: fake.destination,
      delivery: { ...delivery, maxAttempts: 1 },
      throttle,
      account: createLaneAccount(),
      log: silentLog,
      floor: { notBeforeMs: 0 },
    },
    originOf: ({ path }) => originOf(path),
  })
  const ids = () => fake.requests.map(({ batchId }: SentRequest) => batchId)
  return { ids, redeliver, signal: stop.signal }
}

test('equal lines that were refused have ids of their own when they are sent again', async () => {
  await deadLetter('{"n":1}', same, '{"n":2}', same, same)
  const { ids, redeliver } = await replay()
  const send = async (entries: Parameters<typeof redeliver>[0]) => (await redeliver(entries, never)).delivered
  expect(await replayDeadLetter({ dir: root.path, send }, never)).toMatchObject({ delivered: 3 })
  expect(new Set(ids()).size).toBe(3)
})

test('so have equal events of one line that lost the newline between them', async () => {
  await deadLetter('{"n":1}', same + same, same)
  const { ids, redeliver } = await replay()
  const send = async (entries: Parameters<typeof redeliver>[0]) => (await redeliver(entries, never)).delivered
  expect(await replayDeadLetter({ dir: root.path, send }, never)).toMatchObject({ delivered: 3, kept: 0 })
  expect(new Set(ids()).size).toBe(3)
})

test('they keep them in a replay that follows one that was killed, or stopped with some of them delivered', async () => {
  await deadLetter('{"n":1}', same, '{"n":2}', same, same)
  const killed = await replay()
  await replayDeadLetter(
    {
      dir: root.path,
      async send(entries) {
        await killed.redeliver(entries, never)
        throw new Error('killed here')
      },
    },
    never,
  ).catch(() => undefined)
  const stopped = await replay(1)
  await replayDeadLetter(
    { dir: root.path, send: async (entries) => (await stopped.redeliver(entries, stopped.signal)).delivered },
    stopped.signal,
  )
  const names = await readdir(root.path)
  expect(await readFile(join(root.path, names[0] ?? ''), 'utf8')).toMatch(/^(.*"line":.*\n){2}$/)
  const last = await replay()
  const send = async (entries: Parameters<typeof last.redeliver>[0]) => (await last.redeliver(entries, never)).delivered
  await replayDeadLetter({ dir: root.path, send }, never)
  expect(new Set(killed.ids()).size).toBe(3)
  expect([...stopped.ids(), ...last.ids()]).toEqual(killed.ids())
})
