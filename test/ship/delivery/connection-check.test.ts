import { expect, test } from 'vitest'
import type { DeliveryConfig } from '../../../src/config/config.ts'
import { failingSinceMs, nextAttemptAtMs } from '../../../src/ship/delivery/lane-account.ts'
import type { Verdict } from '../../../src/ship/destination.ts'
import { createLane } from '../../../src/ship/lane.ts'
import { busy, fakeDestination, ok, refused } from '../../support/fake-destination.ts'
import { memoryFeed } from '../../support/memory-feed.ts'
import { silentLog } from '../../support/tail-rig.ts'
import { until } from '../../support/until.ts'

const unauthorized: Verdict = { kind: 'retry', reason: 'HTTP 403', unauthorized: true }
const DAY_MS = 86_400_000

/** A lane with an empty log whose connectivity check is answered by the test. */
function setUp(check: () => Verdict | Promise<Verdict>, backoffMs = 1) {
  const delivery: Partial<DeliveryConfig> = {
    mode: 'batch',
    batchMaxSize: 10,
    batchMaxBytes: 4096,
    batchMaxWaitMs: 0,
    maxInFlight: 1,
    initialBackoffMs: backoffMs,
    backoffFactor: 1,
    maxBackoffMs: backoffMs,
  }
  let checks = 0
  const probe = async () => {
    checks += 1
    return check()
  }
  const { feed, append } = memoryFeed(Buffer.alloc(0))
  const fake = fakeDestination(() => ok, { batchMaxSize: 10, batchMaxBytes: 4096, maxLineBytes: 1024 }, probe)
  const lane = createLane({
    destination: fake.destination,
    feed,
    delivery: delivery as DeliveryConfig,
    throttle: { take: async () => undefined, stop() {} },
    deadLetters: { write: async () => ({ kind: 'stored' }) },
    log: silentLog,
  })
  lane.start()
  const stop = new AbortController()
  return {
    lane,
    account: lane.account,
    write: () => append(Buffer.from('{}\n')),
    delivered: () => until(() => fake.delivered.length === 1),
    get checks() {
      return checks
    },
    check: () => lane.checkConnection(stop.signal),
    stop,
  }
}

test('a destination that refuses the key is unauthorized before there is anything to send, until it lets us in', async () => {
  let answer: Verdict = unauthorized
  const rig = setUp(() => answer)
  const { account, lane } = rig
  const end = rig.check()
  await until(() => rig.checks > 2)
  expect(account.trouble).toBe('unauthorized')
  expect(account.lastError?.message).toBe('HTTP 403')
  expect(account.retries).toBeGreaterThan(0)
  answer = ok
  await end
  expect([account.trouble, failingSinceMs(account), nextAttemptAtMs(account)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect(account.batchesSent).toBe(0)
  await lane.drain()
})

test('a destination that cannot be reached is failing before there is anything to send, and says when it is asked again', async () => {
  const rig = setUp(() => busy, DAY_MS)
  const { account, lane, stop } = rig
  const end = rig.check()
  await until(() => account.retries === 1)
  expect([account.trouble, account.lastError?.message]).toEqual([undefined, '503'])
  expect(failingSinceMs(account)).toBeLessThanOrEqual(Date.now())
  expect(nextAttemptAtMs(account)).toBeGreaterThan(0)
  stop.abort()
  await end
  expect([failingSinceMs(account), nextAttemptAtMs(account), rig.checks]).toEqual([undefined, undefined, 1])
  await lane.drain()
})

test('the first batch tells more than the check, which is not repeated behind it', async () => {
  const rig = setUp(() => unauthorized, DAY_MS)
  const { account, lane } = rig
  const end = rig.check()
  await until(() => account.retries === 1)
  rig.write()
  await Promise.all([rig.delivered(), end])
  await lane.drain()
  expect([account.trouble, failingSinceMs(account), nextAttemptAtMs(account)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect(rig.checks).toBe(1)
})

test('an answer to the check that comes behind that to a batch changes nothing', async () => {
  const late = Promise.withResolvers<Verdict>()
  const rig = setUp(() => late.promise)
  const { account, lane } = rig
  const end = rig.check()
  rig.write()
  await rig.delivered()
  late.resolve(unauthorized)
  await end
  expect([account.trouble, account.lastError, failingSinceMs(account)]).toEqual([undefined, undefined, undefined])
  await lane.drain()
})

test('a check that is refused as such says nothing of batches, and is not repeated', async () => {
  const answers = [unauthorized, refused]
  const rig = setUp(() => answers[rig.checks - 1] ?? ok)
  const { account, lane } = rig
  await rig.check()
  expect([rig.checks, account.trouble, failingSinceMs(account)]).toEqual([2, undefined, undefined])
  await lane.drain()
})

test('asks whether it is let in, and waits for Retry-After of that answer, too', async () => {
  const askedAtMs: number[] = []
  const rig = setUp(() => {
    askedAtMs.push(performance.now())
    return askedAtMs.length === 1 ? { ...busy, retryAfterMs: 60 } : ok
  })
  await rig.lane.checkConnection(AbortSignal.abort())
  expect(askedAtMs).toEqual([])
  await rig.check()
  expect(askedAtMs).toHaveLength(2)
  expect((askedAtMs[1] ?? 0) - (askedAtMs[0] ?? 0)).toBeGreaterThanOrEqual(59)
  await rig.lane.drain()
})
