import { expect, test } from 'vitest'
import type { DeliveryConfig } from '../../src/config/config.ts'
import { sendUntilDecided } from '../../src/ship/delivery.ts'
import type { Destination, SendRequest, Verdict } from '../../src/ship/destination.ts'
import { createLaneAccount, nextAttemptAtMs } from '../../src/ship/lane-account.ts'
import { silentLog } from '../support/tail-rig.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000

const delivery = { initialBackoffMs: 1, backoffFactor: 2, maxBackoffMs: 4, maxAttempts: undefined } as DeliveryConfig

/** A destination whose answers are given by hand, in any order. */
function heldBack() {
  const answers: ((verdict: Verdict) => void)[] = []
  const destination = {
    name: 'main',
    send: () => new Promise<Verdict>((resolve) => answers.push(resolve)),
  } as Partial<Destination> as Destination
  return { answers, destination }
}

test('the next attempt is that of the first of all batches that wait', async () => {
  const { answers, destination } = heldBack()
  const account = createLaneAccount()
  const throttle = { take: async () => undefined, stop() {} }
  const context = { destination, delivery, throttle, account, log: silentLog, floor: { notBeforeMs: 0 } }
  const request: SendRequest = { batchId: '', pieces: [], records: 1, cache: {} }
  const stops = [new AbortController(), new AbortController()]
  const hours = () => Math.round(((nextAttemptAtMs(account) ?? Number.NaN) - Date.now()) / HOUR_MS)
  expect(hours()).toBeNaN()
  const ends = stops.map(({ signal }) => sendUntilDecided({ ...request, cache: {} }, context, signal))
  await until(() => answers.length === 2)
  for (const [index, afterHours] of [10, 20].entries()) {
    answers[index]?.({ kind: 'retry', reason: 'busy', retryAfterMs: afterHours * HOUR_MS })
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
