import { expect, test, vi } from 'vitest'
import type { DeliveryConfig } from '../../../src/config/config.ts'
import { sendUntilDecided } from '../../../src/ship/delivery/delivery.ts'
import { createLaneAccount, failingSinceMs, nextAttemptAtMs } from '../../../src/ship/delivery/lane-account.ts'
import type { Destination, Verdict } from '../../../src/ship/destination.ts'
import { busy, ok, refused } from '../../support/fake-destination.ts'
import { silentLog } from '../../support/tail-rig.ts'
import { until } from '../../support/until.ts'

const HOUR_MS = 3_600_000

/** Requests whose answers are given by hand, in any order. */
function setUp(more: Partial<DeliveryConfig> = {}) {
  const pending = new Map<string, (verdict: Verdict) => void>()
  const destination = {
    name: 'main',
    send: ({ batchId }) => new Promise<Verdict>((resolve) => pending.set(batchId, resolve)),
  } as Partial<Destination> as Destination
  const account = createLaneAccount()
  const delivery = { initialBackoffMs: 1, backoffFactor: 2, maxBackoffMs: 4, maxAttempts: undefined, ...more }
  const context = {
    destination,
    delivery: delivery as DeliveryConfig,
    throttle: { take: async () => undefined, stop() {} },
    account,
    log: silentLog,
    floor: { notBeforeMs: 0 },
  }
  return {
    account,
    pending,
    send: (batchId: string, signal: AbortSignal) =>
      sendUntilDecided({ batchId, pieces: [], records: 1, cache: {} }, context, signal),
    async answer(batchId: string, verdict: Verdict) {
      await until(() => pending.has(batchId))
      pending.get(batchId)?.(verdict)
      pending.delete(batchId)
    },
  }
}

test('the next attempt is that of the first of all batches that wait', async () => {
  const { account, pending, send, answer } = setUp()
  const stops = [new AbortController(), new AbortController()]
  const hours = () => Math.round(((nextAttemptAtMs(account) ?? Number.NaN) - Date.now()) / HOUR_MS)
  expect(hours()).toBeNaN()
  const ends = stops.map(({ signal }, index) => send(`${index}`, signal))
  // Retry-After holds for all: both have to be under way.
  await until(() => pending.size === 2)
  for (const [index, afterHours] of [10, 20].entries()) {
    await answer(`${index}`, { kind: 'retry', reason: 'busy', retryAfterMs: afterHours * HOUR_MS })
    await until(() => account.retries === index + 1)
    expect(hours()).toBe(10)
  }
  stops[0]?.abort()
  await ends[0]
  expect(hours()).toBe(20)
  stops[1]?.abort()
  await ends[1]
  expect(hours()).toBeNaN()
})

test('is failing since the first failure of the request that has failed longest, whatever becomes of others', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
  try {
    const { account, pending, send, answer } = setUp()
    const stop = new AbortController()
    const ids = ['a', 'b', 'c', 'd']
    const ends = new Map(ids.map((id) => [id, send(id, stop.signal)]))
    for (const [index, id] of ['a', 'b', 'c', 'a', 'b'].entries()) {
      vi.setSystemTime(index + 1)
      await answer(id, busy)
      await until(() => account.retries === index + 1)
    }
    await answer('d', ok)
    await ends.get('d')
    expect(failingSinceMs(account)).toBe(1)
    await answer('a', ok)
    await ends.get('a')
    expect(failingSinceMs(account)).toBe(2)
    await answer('b', refused)
    await ends.get('b')
    expect(failingSinceMs(account)).toBe(3)
    await until(() => pending.has('c'))
    stop.abort()
    await answer('c', busy)
    await ends.get('c')
    expect(failingSinceMs(account)).toBeUndefined()
  } finally {
    vi.useRealTimers()
  }
})

test('is failing also between requests that are given up, until one is accepted', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
  try {
    const { account, send, answer } = setUp({ maxAttempts: 1 })
    const { signal } = new AbortController()
    const sendAt = async (atMs: number, verdict: Verdict) => {
      const end = send(`${atMs}`, signal)
      vi.setSystemTime(atMs)
      await answer(`${atMs}`, verdict)
      await end
      return failingSinceMs(account)
    }
    expect(await sendAt(1, busy)).toBe(1)
    expect(await sendAt(2, busy)).toBe(1)
    expect(await sendAt(3, ok)).toBeUndefined()
    expect(await sendAt(4, busy)).toBe(4)
  } finally {
    vi.useRealTimers()
  }
})
