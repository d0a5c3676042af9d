import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DeliveryConfig } from '../../src/config/config.ts'
import type { DeadLetter } from '../../src/ship/dead-letter/dead-letter.ts'
import type { Destination, Verdict } from '../../src/ship/destination.ts'
import { createLane } from '../../src/ship/lane.ts'
import { webhookConfig } from '../support/destination-config.ts'
import { closeAfterEach, openDestination } from '../support/destinations.ts'
import { fakeDestination, ok, refused, type SentRequest, tooLarge } from '../support/fake-destination.ts'
import { memoryFeed } from '../support/memory-feed.ts'
import { silentLog } from '../support/tail-rig.ts'
import { until } from '../support/until.ts'

closeAfterEach()

/** What may be dead-lettered of a destination that begins to refuse everything. */
const MOST_LOST = 10

const record = (n: number) => JSON.stringify({ n })
const numberOf = (line: string): number => JSON.parse(line).n
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const isOdd = (n: number) => n % 2 === 1
const ascending = (some: readonly number[]) => some.toSorted((a, b) => a - b)

interface Shape {
  readonly count: number
  readonly size: number
  readonly inFlight: number
  readonly backoff?: Pick<DeliveryConfig, 'backoffFactor' | 'maxBackoffMs'>
}

/** A lane over `count` numbered records in batches of `size`, and what it dead-letters. */
function shipTo(destination: Destination, { count, size, inFlight, backoff }: Shape) {
  const content = Buffer.from(
    numbers(0, count)
      .map((n) => `${record(n)}\n`)
      .join(''),
  )
  const file = memoryFeed(content)
  const dead: number[] = []
  const deadLetters: Pick<DeadLetter, 'write'> = {
    async write(entries) {
      dead.push(...entries.map(({ line }) => numberOf(Buffer.from(line).toString())))
      return { kind: 'stored' }
    },
  }
  const delivery: DeliveryConfig = {
    ...webhookConfig('http://127.0.0.1').delivery,
    batchMaxSize: size,
    batchMaxWaitMs: 0,
    maxInFlight: inFlight,
    initialBackoffMs: 1,
    maxBackoffMs: 2,
    ...backoff,
  }
  const throttle = { take: async () => undefined, stop() {} }
  const lane = createLane({ destination, feed: file.feed, delivery, throttle, deadLetters, log: silentLog })
  lane.start()
  let written = content.length
  const isDone = () => file.ledger.watermark === written
  return {
    lane,
    dead,
    isDone,
    done: () => until(isDone),
    append(n: number): void {
      const line = Buffer.from(`${record(n)}\n`)
      written += line.length
      file.append(line)
    },
  }
}

function ship(shape: Shape, answer: (request: SentRequest, attempt: number) => Verdict | Promise<Verdict>) {
  const fake = fakeDestination(answer, { batchMaxSize: shape.size, batchMaxBytes: 1_000_000, maxLineBytes: 1024 })
  const shipped = shipTo(fake.destination, shape)
  return {
    ...shipped,
    fake,
    /** Resolves when so many requests more have come, or everything is settled. */
    requestsMore(count: number): Promise<void> {
      const before = fake.requests.length
      return until(() => fake.requests.length > before + count || shipped.isDone())
    },
  }
}

const has = (request: SentRequest, isBad: (n: number) => boolean) => request.records.map(numberOf).some(isBad)
const judged = (request: SentRequest, isBad: (n: number) => boolean) => (has(request, isBad) ? refused : ok)

/** Accepts the first request it gets, as soon as so many have come, and answers 404 to all others. */
async function openBreaking(inFlight: number) {
  let requests = 0
  let first: ServerResponse | undefined
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      requests += 1
      if (requests === inFlight) first?.writeHead(202).end()
      if (requests > 1) response.writeHead(404).end()
      else first = response
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { href: `http://127.0.0.1:${port}`, requests: () => requests }
}

/** Runs of good and of bad records. */
const runs = fc
  .array(fc.record({ isBad: fc.boolean(), records: fc.integer({ min: 1, max: 30 }) }), { minLength: 3, maxLength: 10 })
  .map((some) => some.flatMap(({ isBad, records }) => Array<boolean>(records).fill(isBad)))

describe('a destination that begins to refuse everything', () => {
  test('loses no batch to the dead letter by what was on its way when it broke', async () => {
    const broke = Promise.withResolvers<void>()
    const { fake, lane, dead, requestsMore } = ship({ count: 400, size: 100, inFlight: 4 }, async (_, attempt) => {
      if (attempt > 1) {
        if (attempt > 10) broke.resolve()
        return refused
      }
      await broke.promise
      return ok
    })
    await broke.promise
    await requestsMore(500)
    expect([fake.delivered.length, dead, lane.account.trouble]).toEqual([100, [], 'misconfigured'])
    await lane.abort()
  })

  test.each([
    [1, 1],
    [1, 4],
    [20, 4],
  ])(
    'loses at most a few where it still accepts what it knows by its id (batches of %i, max_in_flight %i)',
    async (size, inFlight) => {
      const known = new Set<string>()
      const { lane, dead, requestsMore } = ship({ count: 500, size, inFlight }, ({ batchId }, attempt) => {
        if (attempt > 5 && !known.has(batchId)) return refused
        known.add(batchId)
        return ok
      })
      await requestsMore(500)
      await lane.abort()
      expect(dead.length).toBeLessThanOrEqual(MOST_LOST)
    },
  )

  test('loses none either when it took part of the batch, and is sent the rest alone when it is well again', async () => {
    let state: 'well' | 'broken' | 'healed' = 'well'
    const isBad = (n: number) => n === 99
    const { fake, lane, dead, done, requestsMore } = ship({ count: 300, size: 100, inFlight: 1 }, (request) => {
      if (state === 'broken') return refused
      if (state === 'well' && !has(request, isBad)) {
        state = 'broken'
        return ok
      }
      return judged(request, isBad)
    })
    await requestsMore(500)
    expect([fake.delivered.length, dead, lane.account.trouble]).toEqual([50, [], 'misconfigured'])
    state = 'healed'
    await done()
    expect(ascending(fake.delivered.map(numberOf))).toEqual([...numbers(0, 99), ...numbers(100, 300)])
    expect(dead).toEqual([99])
    await lane.drain()
  })

  test('loses none over HTTP', async () => {
    const broken = await openBreaking(4)
    const { delivery } = webhookConfig(broken.href)
    const destination = openDestination(webhookConfig(broken.href, { delivery: { ...delivery, batchMaxSize: 100 } }))
    const { lane, dead, isDone } = shipTo(destination, { count: 400, size: 100, inFlight: 4 })
    await until(() => broken.requests() > 1000 || isDone())
    expect([lane.account.recordsSent, dead]).toEqual([100, []])
    await lane.abort()
  })

  test.each([1, 4])(
    'loses at most a few records whenever it does so, and none is missing when it is well again (max_in_flight %i)',
    async (inFlight) => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 25 }),
          runs,
          fc.integer({ min: 1, max: 100 }),
          async (size, badness, breaksAt) => {
            // Who never took anything is misconfigured, whatever it may take one day.
            const count = size + badness.length
            const isBad = (n: number) => badness[n - size] === true
            let healed = false
            const { lane, fake, dead, done, requestsMore } = ship({ count, size, inFlight }, (request, attempt) =>
              attempt > breaksAt && !healed ? refused : judged(request, isBad),
            )
            await until(() => fake.requests.length > breaksAt || fake.delivered.length + dead.length >= count)
            await requestsMore(400)
            expect(dead.filter((n) => !isBad(n)).length).toBeLessThanOrEqual(MOST_LOST)
            healed = true
            await done()
            await lane.drain()
            // Where it gets well again in the middle of a search, each batch in flight may lose as much once.
            expect(dead.filter((n) => !isBad(n)).length).toBeLessThanOrEqual(MOST_LOST * (inFlight + 1))
            expect(new Set([...fake.delivered.map(numberOf), ...dead]).size).toBe(count)
            expect(ascending(dead)).toEqual([...new Set(ascending(dead))])
            expect(numbers(0, count).filter((n) => isBad(n) && !dead.includes(n))).toEqual([])
          },
        ),
        { numRuns: 25 },
      )
    },
  )
})

describe('a destination that refuses many records while it takes others', () => {
  const shapes: readonly [string, number, (n: number) => boolean][] = [
    ['every second record', 1000, isOdd],
    ['half a batch', 1000, (n) => n >= 1200 && n < 1700],
    ['a batch between two good ones', 200, (n) => n >= 200 && n < 400],
    ['batches in a row, as many as are in flight', 50, (n) => n >= 50 && n < 250],
    ['all but the last of a batch', 200, (n) => n >= 200 && n < 399],
  ]
  const cases = shapes.flatMap((shape) => [1, 4].map((inFlight) => [...shape, inFlight] as const))

  test.each(cases)('gets the good ones: %s (batches of %i, max_in_flight $3)', async (_, size, isBad, inFlight) => {
    const count = Math.max(2000, 3 * size)
    const { lane, fake, dead, done } = ship({ count, size, inFlight }, (request) => judged(request, isBad))
    await done()
    await lane.drain()
    expect(ascending(dead)).toEqual(numbers(0, count).filter(isBad))
    const delivered = ascending(fake.delivered.map(numberOf))
    expect([...new Set(delivered)]).toEqual(numbers(0, count).filter((n) => !isBad(n)))
    // It is asked for about every tenth of them whether it accepts anything.
    expect(delivered.length - new Set(delivered).size).toBeLessThanOrEqual(dead.length / 5)
    expect(fake.requests.length).toBeLessThanOrEqual(2.2 * count)
  })

  test.each([
    ['13', 13, [3, 4]],
    ['100', 100, [37]],
    ['500', 500, [499]],
  ])('gets the few good ones also of the first batch it is ever sent, of %s', async (_, size, good) => {
    const isBad = (n: number) => !good.includes(n)
    const { lane, fake, dead, done } = ship({ count: size, size, inFlight: 1 }, (request) => judged(request, isBad))
    await done()
    await lane.drain()
    expect(ascending(dead)).toEqual(numbers(0, size).filter(isBad))
    expect([...new Set(ascending(fake.delivered.map(numberOf)))]).toEqual(good)
  })

  test.each<[string, good: number, of: (n: number) => Verdict]>([
    ['one that is too large', 150, (n) => (n === 100 ? tooLarge : refused)],
    ['many that are too large', 199, (n) => (isOdd(n) ? tooLarge : refused)],
  ])('gets the one good record also behind %s, which are settled by themselves', async (_, good, verdictOf) => {
    const { lane, fake } = ship({ count: 200, size: 200, inFlight: 1 }, ({ records }) => {
      const verdicts = records.map(numberOf).map((n) => (n === good ? ok : verdictOf(n)))
      return verdicts.find(({ kind }) => kind === 'too-large') ?? verdicts.find((verdict) => verdict !== ok) ?? ok
    })
    await until(() => fake.delivered.includes(record(good)) || fake.requests.length > 5000)
    await lane.abort()
    expect(fake.delivered).toContain(record(good))
  })

  test('gets the one record that it has not, though it refuses to have one of the others twice', async () => {
    const has = new Set(numbers(100, 200).filter((n) => n !== 177))
    const { lane, fake, dead } = ship({ count: 200, size: 100, inFlight: 1 }, ({ records }) => {
      const some = records.map(numberOf)
      // As with a unique key: 409.
      if (some.some((n) => has.has(n))) return refused
      for (const n of some) has.add(n)
      return ok
    })
    await until(() => fake.delivered.includes(record(177)))
    await lane.abort()
    expect(dead).not.toContain(177)
  })

  test('is sent nothing twice for a record at the end of a batch', async () => {
    const isBad = (n: number) => n % 10 === 9
    const { lane, fake, dead, done } = ship({ count: 50, size: 10, inFlight: 1 }, (request) => judged(request, isBad))
    await done()
    await lane.drain()
    expect(dead).toEqual(numbers(0, 50).filter(isBad))
    expect(fake.delivered.map(numberOf)).toEqual(numbers(0, 50).filter((n) => !isBad(n)))
  })

  test('is asked with one record that it accepted, under a new id each time', async () => {
    const isBad = (n: number) => n >= 20 && n < 60
    const { lane, fake, dead, done } = ship({ count: 80, size: 20, inFlight: 1 }, (request) => judged(request, isBad))
    await done()
    await lane.drain()
    expect(dead.length).toBe(40)
    const asked = fake.requests.filter(({ records }) => records.join() === record(0))
    expect(asked.length).toBeGreaterThan(1)
    expect(new Set(asked.map(({ batchId }) => batchId)).size).toBe(asked.length)
    expect(fake.delivered.length).toBe(40 + asked.length)
  })

  test.each([2, 4])(
    'does not stop at what it refuses since it has it, while it takes others (max_in_flight %i)',
    async (inFlight) => {
      const has = new Set<string>()
      let lost = false
      // Who gets ahead does not wait longer and longer.
      const backoff = { backoffFactor: 10, maxBackoffMs: 1_000_000 }
      const shape = { count: 2000, size: 100, inFlight, backoff }
      const { lane, fake, dead, isDone, append } = ship(shape, ({ records }) => {
        // As with a unique key: 409.
        if (records.some((one) => has.has(one))) return refused
        for (const one of records) has.add(one)
        if (lost || has.size <= 300) return ok
        lost = true
        return { kind: 'retry', reason: 'the reply was lost' }
      })
      let written = 2000
      await until(() => {
        if (dead.length < 100) append(written++)
        return isDone()
      })
      await lane.drain()
      expect(has.size).toBe(written)
      expect(dead.length).toBe(100)
      expect(fake.delivered.length + dead.length).toBe(written)
    },
  )

  test.each([1, 4])('loses nothing of what it takes, whatever it refuses (max_in_flight %i)', async (inFlight) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 25 }), runs, async (size, badness) => {
        const count = size + badness.length
        const isBad = (n: number) => badness[n - size] === true
        const { lane, fake, dead, done } = ship({ count, size, inFlight }, (request) => judged(request, isBad))
        await done()
        await lane.drain()
        expect(ascending(dead)).toEqual(numbers(0, count).filter(isBad))
        const good = numbers(0, count).filter((n) => !isBad(n))
        expect(ascending([...new Set(fake.delivered.map(numberOf))])).toEqual(good)
        expect(fake.delivered.length - good.length).toBeLessThanOrEqual(dead.length / 4 + inFlight)
        expect(fake.requests.length).toBeLessThanOrEqual(6 * count)
      }),
      { numRuns: 25 },
    )
  })
})
