import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { Chunk, Feed, LongLine } from '../../src/chunk.ts'
import type { DeliveryConfig } from '../../src/config/config.ts'
import type { Log, LogFields } from '../../src/log.ts'
import { createNotifier } from '../../src/notifier.ts'
import type { DeadLetter, WriteResult } from '../../src/ship/dead-letter/dead-letter.ts'
import type { DeadLetterEntry } from '../../src/ship/dead-letter/entry.ts'
import { failingSinceMs, nextAttemptAtMs } from '../../src/ship/delivery/lane-account.ts'
import type { Verdict } from '../../src/ship/destination.ts'
import { createLane } from '../../src/ship/lane.ts'
import { busy, fakeDestination, ok, refused, type SentRequest, tooLarge } from '../support/fake-destination.ts'
import { memoryFeed, originOf } from '../support/memory-feed.ts'
import { silentLog } from '../support/tail-rig.ts'
import { until } from '../support/until.ts'

const delivery: DeliveryConfig = {
  mode: 'batch',
  batchMaxSize: 10,
  batchMaxBytes: 4096,
  batchMaxWaitMs: 0,
  throttleEnable: false,
  throttleQps: 10,
  throttleBurst: 15,
  maxInFlight: 3,
  initialBackoffMs: 1,
  backoffFactor: 2,
  maxBackoffMs: 4,
  maxAttempts: undefined,
  requestTimeoutMs: 1000,
}

const DAY_MS = 86_400_000

const free = { take: async () => undefined, stop() {} }

function deadLetters(answers: WriteResult[] = []) {
  const lines: string[] = []
  const writes: number[] = []
  const entries: DeadLetterEntry[] = []
  const port: Pick<DeadLetter, 'write'> = {
    async write(more) {
      const answer = answers.shift() ?? { kind: 'stored' }
      if (answer.kind !== 'stored') return answer
      writes.push(more.reduce((sum, { line }) => sum + line.length, 0))
      entries.push(...more)
      lines.push(...more.map(({ line }) => Buffer.from(line).toString('latin1')))
      return answer
    },
  }
  return { port, lines, entries, writes }
}

interface Setup {
  readonly content: string | Uint8Array
  readonly answer?: (request: SentRequest, attempt: number) => Verdict | Promise<Verdict>
  readonly delivery?: Partial<DeliveryConfig>
  readonly maxLineBytes?: number
  readonly batchMaxBytes?: number
  readonly stored?: WriteResult[]
  readonly log?: Log
  /** What is before is settled. */
  readonly from?: number
}

function setUp({
  content,
  answer = () => ok,
  delivery: more,
  maxLineBytes = 1024,
  batchMaxBytes = 4096,
  stored,
  log = silentLog,
  from,
}: Setup) {
  const file = memoryFeed(Buffer.from(content), originOf('/var/log/audit.log', maxLineBytes), from)
  const batchMaxSize = more?.batchMaxSize ?? delivery.batchMaxSize
  const fake = fakeDestination(answer, { batchMaxSize, batchMaxBytes, maxLineBytes: 1024 })
  const dead = deadLetters(stored)
  const lane = createLane({
    destination: fake.destination,
    feed: file.feed,
    delivery: { ...delivery, ...more },
    throttle: free,
    deadLetters: dead.port,
    log,
  })
  lane.start()
  const done = () => until(() => file.ledger.watermark === Buffer.from(content).length)
  return { file, fake, dead, lane, done }
}

const record = (n: number, padding = 0) => JSON.stringify({ n, ...(padding ? { padding: 'x'.repeat(padding) } : {}) })
/** An audit event that may be truncated. */
const event = (n: number, padding: number) =>
  JSON.stringify({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', requestObject: { data: 'x'.repeat(padding) }, n })
const truncated = (n: number) =>
  `{"kind":"Event","apiVersion":"audit.k8s.io/v1","n":${n},"annotations":{"audit.k8s.io/truncated":"true"}}`
const numbered = (count: number) => Array.from({ length: count }, (_, n) => record(n))
const isOf = (request: SentRequest, line: string) => request.records.includes(line)

function recordingLog() {
  const lines: [level: string, reason: unknown, message: string][] = []
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push([level, fields.reason, message])
  const log: Log = { ...silentLog, info: at('info'), warn: at('warn'), error: at('error') }
  return { log, lines }
}

describe('the log of a lane', () => {
  test('tells each kind of failure apart, and that it is over', async () => {
    const { log, lines } = recordingLog()
    const answers = [busy, { kind: 'retry', reason: 'HTTP 403', unauthorized: true } as const, ok]
    const { done, lane } = setUp({ content: '{}\n', log, answer: (_request, attempt) => answers[attempt - 1] ?? ok })
    await done()
    await lane.drain()
    expect(lines).toEqual([
      ['warn', '503', 'a batch was not accepted and is sent again'],
      [
        'warn',
        'HTTP 403',
        'the destination does not accept the credentials: nothing is dropped, the batch is sent again; check the key or token',
      ],
      ['info', undefined, 'a batch that was sent again is accepted'],
    ])
  })

  test('tells that there are dead letters, and nothing of what is in them', async () => {
    const { log, lines } = recordingLog()
    const { done, lane } = setUp({ content: 'no object\n', log })
    await done()
    await lane.drain()
    expect(lines).toEqual([
      [
        'warn',
        'not-json',
        'records are in the dead letter: agent replay --dead-letter --dry-run shows how many and why',
      ],
    ])
  })
})

describe('a dead letter that takes no lines', () => {
  test.each<[WriteResult, RegExp]>([
    [{ kind: 'full', stored: 0 }, /^dead letter: it is full .*; send them again with agent replay/],
    [
      { kind: 'too-large', stored: 0, bytes: 2000 },
      /^dead letter: an entry of 2000 bytes alone is more than .*; raise dead_letter_max_bytes to more than 2000:/,
    ],
    [refusedBy('EACCES', 'permission denied'), /^dead letter: EACCES: permission denied, open '\/d'; let the user/],
    [refusedBy('EROFS', 'read-only file system'), /; mount it for writing$/],
    [refusedBy('ENOSPC', 'no space left on device'), /; make room on its disk$/],
    [refusedBy('ENOTDIR', 'not a directory'), /; a file stands where a directory belongs: move it away$/],
    [refusedBy('ENOENT', 'no such file or directory'), /; its directory was removed, or cannot .*: restart the pod, /],
    [refusedBy('EIO', 'i/o error'), /; the agent tries again until it can$/],
  ])('names the cause and what helps: %j', async (answer, told) => {
    const { lane } = setUp({ content: 'no json\n', stored: [answer] })
    await until(() => lane.account.held === 1)
    expect(lane.account.lastError?.message).toMatch(told)
    await lane.abort()
  })

  function refusedBy(code: string, text: string): WriteResult {
    return { kind: 'failed', stored: 0, code, message: `${code}: ${text}, open '/d'` }
  }
})

describe('a lane', () => {
  test('delivers every line once, in batches of at most batch_max_size', async () => {
    const lines = numbered(95)
    const { fake, done, lane } = setUp({ content: `${lines.join('\n')}\n` })
    await done()
    expect(fake.delivered.toSorted()).toEqual(lines.toSorted())
    expect(Math.max(...fake.requests.map(({ records }) => records.length))).toBe(10)
    await lane.drain()
  })

  test('has at most max_in_flight requests under way and one body more', async () => {
    const { fake, done, lane } = setUp({
      content: `${numbered(200).join('\n')}\n`,
      answer: async () => {
        await setImmediate()
        return ok
      },
    })
    await done()
    expect(fake.peakInFlight).toBe(3)
    expect(fake.bodies).toBe(4)
    await lane.drain()
  })

  test('is failing as long as any batch is not accepted, whatever else is delivered', async () => {
    let healed = false
    const lines = numbered(300)
    const isStuck = (request: SentRequest) => isOf(request, record(0))
    const { file, fake, done, lane } = setUp({
      content: `${lines.join('\n')}\n`,
      answer: (request) => (isStuck(request) && !healed ? busy : ok),
      delivery: { batchMaxSize: 1 },
    })
    await until(() => fake.delivered.length === 299 && fake.requests.filter(isStuck).length > 1)
    expect(failingSinceMs(lane.account)).toBeLessThanOrEqual(lane.account.lastSuccessAtMs ?? 0)
    expect(file.ledger.entries).toBeLessThanOrEqual(2 * lane.account.inFlight)
    healed = true
    await done()
    expect([fake.delivered.length, failingSinceMs(lane.account)]).toEqual([300, undefined])
    await lane.drain()
  })

  test('does not fail while its large records are accepted truncated, one by one', async () => {
    const answered = Promise.withResolvers<void>()
    const { fake, done, lane } = setUp({
      content: `${event(1, 300)}\n${event(2, 300)}\n`,
      async answer(request) {
        if (request.body.includes('requestObject')) return tooLarge
        if (fake.delivered.length > 0) await answered.promise
        return ok
      },
      delivery: { maxInFlight: 1 },
    })
    const isTruncated = ({ body }: SentRequest) => body.includes('audit.k8s.io/truncated')
    await until(() => fake.requests.filter(isTruncated).length === 2)
    expect([fake.delivered.length, failingSinceMs(lane.account)]).toEqual([1, undefined])
    answered.resolve()
    await done()
    await lane.drain()
  })

  test('keeps the order with max_in_flight 1', async () => {
    const lines = numbered(40)
    const { fake, done, lane } = setUp({
      content: `${lines.join('\n')}\n`,
      answer: (_request, attempt) => (attempt % 3 === 0 ? busy : ok),
      delivery: { maxInFlight: 1 },
    })
    await done()
    expect(fake.delivered).toEqual(lines)
    await lane.drain()
  })

  test('sends every attempt with the same bytes under the same id', async () => {
    const { fake, done, lane } = setUp({
      content: `${record(1)}\n`,
      answer: (_request, attempt) => (attempt < 5 ? busy : ok),
    })
    await done()
    expect(fake.requests).toHaveLength(5)
    expect(new Set(fake.requests.map(({ batchId, body }) => `${batchId} ${body}`)).size).toBe(1)
    expect(lane.account.retries).toBe(4)
    await lane.drain()
  })

  test('gives a cut of the same spans the same id after a restart, and other spans another', async () => {
    const ids = async (content: string) => {
      const { fake, done, lane } = setUp({ content })
      await done()
      await lane.drain()
      return fake.requests.map(({ batchId }) => batchId)
    }
    const first = await ids(`${numbered(20).join('\n')}\n`)
    expect(await ids(`${numbered(20).join('\n')}\n`)).toEqual(first)
    expect(new Set(first).size).toBe(first.length)
  })

  test('waits for Retry-After before any further attempt', async () => {
    const times: number[] = []
    const { done, lane } = setUp({
      content: `${record(1)}\n`,
      answer: (_request, attempt) => {
        times.push(performance.now())
        return attempt === 1 ? { ...busy, retryAfterMs: 60 } : ok
      },
    })
    await done()
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(59)
    await lane.drain()
  })

  test('lets go of the bodies that only a burst needed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      const one = `${record(1)}\n`
      const { file, fake, lane } = setUp({ content: one.repeat(3), delivery: { batchMaxSize: 1 } })
      const settled = (lines: number) => until(() => file.ledger.watermark === lines * one.length)
      await settled(3)
      const { bodies } = fake
      vi.advanceTimersByTime(29_999)
      file.append(Buffer.from(one))
      await settled(4)
      expect(fake.bodies).toBe(bodies)
      vi.advanceTimersByTime(30_000)
      file.append(Buffer.from(one))
      await settled(5)
      expect(fake.bodies).toBe(bodies + 1)
      await lane.drain()
    } finally {
      vi.useRealTimers()
    }
  })

  test('measures how long answers take also when somebody sets the clock back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const { done, lane } = setUp({
        content: `${record(1)}\n`,
        answer: () => {
          vi.setSystemTime(Date.now() - 3_600_000)
          return ok
        },
      })
      await done()
      expect(lane.account.latency.totalMs).toBeGreaterThanOrEqual(0)
      await lane.drain()
    } finally {
      vi.useRealTimers()
    }
  })

  test('waits for Retry-After also after the last attempt of another batch', async () => {
    const times: number[] = []
    const { done, lane } = setUp({
      content: `${record(1)}\n${record(2)}\n`,
      answer: (_request, attempt) => {
        times.push(performance.now())
        return attempt === 1 ? { ...busy, retryAfterMs: 60 } : ok
      },
      delivery: { maxInFlight: 1, batchMaxSize: 1, maxAttempts: 1 },
    })
    await done()
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(59)
    await lane.drain()
  })

  test('sends a batch batch_max_wait after its first line, whatever follows', async () => {
    const lines = numbered(6000).slice(1000)
    const file = memoryFeed(Buffer.from(`${lines.join('\n')}\n`))
    const readAtMs: number[] = []
    const feed: Feed = {
      // A line, and then none for a moment, as if they were written one by one.
      async read(room) {
        readAtMs.push(performance.now())
        return readAtMs.length % 2 === 0 ? undefined : file.feed.read(room.subarray(0, '{"n":1000}\n'.length))
      },
      ready: () => sleep(2),
    }
    const sentAtMs: number[] = []
    const note = () => {
      sentAtMs.push(performance.now())
      return ok
    }
    const fake = fakeDestination(note, { batchMaxSize: 10_000, batchMaxBytes: 1e6, maxLineBytes: 1024 })
    const lane = createLane({
      destination: fake.destination,
      feed,
      throttle: free,
      deadLetters: deadLetters().port,
      log: silentLog,
      delivery: { ...delivery, batchMaxSize: 10_000, batchMaxWaitMs: 40 },
    })
    lane.start()
    await until(() => sentAtMs.length > 0)
    await lane.abort()
    expect((sentAtMs[0] ?? 0) - (readAtMs[0] ?? 0)).toBeGreaterThanOrEqual(39)
    expect(fake.requests[0]?.records.length).toBeLessThan(lines.length)
  })

  test('sends what was read when it drains, and gives it up when aborted', async () => {
    const draining = setUp({ content: `${record(1)}\n`, delivery: { batchMaxWaitMs: 1e9 } })
    await until(() => draining.file.ledger.taken > 0)
    await draining.lane.drain()
    expect(draining.fake.delivered).toEqual([record(1)])
    const aborting = setUp({ content: `${record(1)}\n`, answer: () => busy })
    await until(() => aborting.fake.requests.length > 0)
    await aborting.lane.abort()
    expect(aborting.file.ledger.watermark).toBe(0)
  })

  test('dead-letters nothing of a batch whose turn comes after it is aborted, as it comes again', async () => {
    const { dead, lane } = setUp({
      content: `${record(1)}\nno json\n${record(2)}\n`,
      answer: () => busy,
      delivery: { batchMaxSize: 1, maxInFlight: 1, initialBackoffMs: DAY_MS, maxBackoffMs: DAY_MS },
    })
    await until(() => lane.account.inFlight === 2)
    await lane.abort()
    expect(dead.lines).toEqual([])
  })
})

describe('poison isolation', () => {
  test.each([
    ['refused', refused],
    ['too large', tooLarge],
  ])('finds one record that is %s in O(log n) requests and delivers the others', async (_name, verdict) => {
    const lines = numbered(10)
    const poison = lines[6] ?? ''
    const { fake, dead, done, lane } = setUp({
      content: `${lines.join('\n')}\n`,
      answer: (request) => (isOf(request, poison) ? verdict : ok),
    })
    await done()
    expect(dead.lines).toEqual([poison])
    expect(fake.delivered.toSorted()).toEqual(lines.filter((line) => line !== poison).toSorted())
    expect(fake.requests.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(10)))
    expect(lane.account.deadLetteredRecords).toBe(1)
    await lane.drain()
  })

  test('leaves a destination well that refused the last record for good, and once it accepts others of the batch', async () => {
    const lines = numbered(10)
    const failingBesideDelivered: (number | undefined)[] = []
    const { fake, done, lane } = setUp({
      content: `${lines.join('\n')}\n`,
      answer: (request) => {
        if (fake.delivered.length > 0) failingBesideDelivered.push(failingSinceMs(lane.account))
        return isOf(request, lines.at(-1) ?? '') ? refused : ok
      },
    })
    await done()
    expect(new Set(failingBesideDelivered)).toEqual(new Set([undefined]))
    expect([failingSinceMs(lane.account), lane.account.trouble]).toEqual([undefined, undefined])
    await lane.drain()
  })

  test('holds a destination that refuses everything to be misconfigured and drops nothing', async () => {
    let healed = false
    const lines = numbered(30)
    const { fake, dead, file, done, lane } = setUp({
      content: `${lines.join('\n')}\n`,
      answer: () => (healed ? ok : refused),
    })
    await until(() => lane.account.trouble === 'misconfigured')
    expect([dead.lines, file.ledger.watermark]).toEqual([[], 0])
    expect(failingSinceMs(lane.account)).toBeLessThanOrEqual(Date.now())
    healed = true
    await done()
    expect(failingSinceMs(lane.account)).toBeUndefined()
    expect(fake.delivered.toSorted()).toEqual(lines.toSorted())
    expect(dead.lines).toEqual([])
    await lane.drain()
  })

  test.each(['batch', 'blocking-strict'] as const)(
    'tells in mode %s when a batch is tried again, and counts it',
    async (mode) => {
      const { lane } = setUp({
        content: '{"stage":"RequestReceived"}\n',
        answer: () => refused,
        delivery: { mode, maxInFlight: 1, initialBackoffMs: DAY_MS, maxBackoffMs: DAY_MS },
      })
      const { account } = lane
      await until(() => account.trouble === 'misconfigured' || account.held === 1)
      expect(account.retries).toBe(1)
      expect(nextAttemptAtMs(account)).toBeGreaterThan(0)
      expect(failingSinceMs(account)).toBeGreaterThan(0)
      await lane.abort()
      expect(nextAttemptAtMs(account)).toBeUndefined()
      expect(account.retryTimeMs).toBeGreaterThan(0)
    },
  )

  test('is failing also where the destination refuses everything after half of the batch was accepted', async () => {
    const lines = numbered(24)
    const { fake, lane } = setUp({
      content: `${lines.join('\n')}\n`,
      answer: (_request, attempt) => (attempt === 2 ? ok : refused),
      delivery: { batchMaxSize: 24, maxInFlight: 1, initialBackoffMs: DAY_MS, maxBackoffMs: DAY_MS },
    })
    await until(() => lane.account.trouble === 'misconfigured')
    expect(fake.delivered).toEqual(lines.slice(0, 12))
    expect(failingSinceMs(lane.account)).toBeDefined()
    await lane.abort()
  })

  test('is failing from when a batch is refused until a record of it is accepted', async () => {
    const halves = [Promise.withResolvers<Verdict>(), Promise.withResolvers<Verdict>()]
    const { fake, done, lane } = setUp({
      content: `${record(0)}\n${record(1)}\n`,
      answer: (_request, attempt) => halves[attempt - 2]?.promise ?? refused,
      delivery: { batchMaxSize: 2, maxInFlight: 1 },
    })
    await until(() => fake.requests.length === 2)
    expect(failingSinceMs(lane.account)).toBeDefined()
    halves[0]?.resolve(ok)
    await until(() => fake.requests.length === 3)
    expect(failingSinceMs(lane.account)).toBeUndefined()
    halves[1]?.resolve(ok)
    await done()
    await lane.drain()
  })

  test('does not call a destination misconfigured when it is aborted while it asks', async () => {
    const answered = Promise.withResolvers<Verdict>()
    const { log, lines } = recordingLog()
    const { fake, lane } = setUp({
      content: `${numbered(24).join('\n')}\n`,
      answer: ({ records }, attempt) =>
        records.join() === record(0) ? answered.promise : attempt === 2 ? ok : refused,
      delivery: { batchMaxSize: 24, maxInFlight: 1 },
      log,
    })
    await until(() => fake.requests.some(({ records }) => records.join() === record(0)))
    const aborted = lane.abort()
    answered.resolve(busy)
    await aborted
    expect(lines.filter(([level]) => level === 'error')).toEqual([])
  })

  test('settles nothing when it is aborted while a refused record is tried again', async () => {
    const again = Promise.withResolvers<Verdict>()
    const { fake, dead, file, lane } = setUp({
      content: `${numbered(5).join('\n')}\n`,
      answer: async (request) => {
        if (isOf(request, record(1))) await until(() => lane.account.trouble === 'misconfigured')
        if (!isOf(request, record(0))) return ok
        return fake.requests.filter(({ records }) => records.includes(record(0))).length === 1 ? refused : again.promise
      },
      delivery: { batchMaxSize: 1, maxInFlight: 2, initialBackoffMs: 200, maxBackoffMs: 200 },
    })
    await until(() => fake.requests.length === 6)
    const aborted = lane.abort()
    again.resolve(busy)
    await aborted
    expect([dead.lines, file.ledger.watermark]).toEqual([[], 0])
  })

  test('dead-letters a single refused record once others are accepted', async () => {
    const { dead, done, lane } = setUp({
      content: `${record(1)}\n${record(2)}\n`,
      answer: (request) => (isOf(request, record(1)) ? refused : ok),
      delivery: { batchMaxSize: 1 },
    })
    await done()
    expect(dead.lines).toEqual([record(1)])
    await lane.drain()
  })

  test('dead-letters a batch after max_attempts, and never drops it', async () => {
    const { dead, done, lane } = setUp({ content: `${record(1)}\n`, answer: () => busy, delivery: { maxAttempts: 3 } })
    await done()
    expect(dead.lines).toEqual([record(1)])
    await lane.drain()
  })

  test('is holding as long as any batch waits for room in the dead letter, whatever else is delivered', async () => {
    const full = Array.from({ length: 2 }, () => ({ kind: 'full', stored: 0 }) as const)
    const { fake, lane } = setUp({
      content: `no json\n${numbered(30).join('\n')}\n`,
      stored: full,
      delivery: { batchMaxSize: 1 },
    })
    await until(() => fake.delivered.length === 29)
    expect(lane.account.held).toBe(1)
    await lane.abort()
    expect(lane.account.held).toBe(0)
  })

  test('settles nothing while the dead letter is full', async () => {
    const { dead, file, lane } = setUp({ content: 'no json\n', stored: [{ kind: 'full', stored: 0 }] })
    await until(() => lane.account.held === 1)
    expect([dead.lines, file.ledger.watermark]).toEqual([[], 0])
    await lane.abort()
  })
})

describe('a record that is too large', () => {
  const limit = (bytes: number) => (request: SentRequest) => (request.body.length > bytes ? tooLarge : ok)

  test('is truncated as kube-apiserver truncates and sent under an id of its own', async () => {
    const lines = [record(0), event(1, 500), event(2, 500), record(3), event(4, 10)]
    const { fake, dead, file, done, lane } = setUp({ content: `${lines.join('\n')}\n`, answer: limit(300) })
    await done()
    const cut = [1, 2].reduce((sum, n) => sum + event(n, 500).length - truncated(n).length, 0)
    expect(file.settlements.reduce((sum, { truncatedBytes }) => sum + truncatedBytes, 0)).toBe(cut)
    expect(fake.delivered.toSorted()).toEqual(
      [record(0), truncated(1), truncated(2), record(3), event(4, 10)].toSorted(),
    )
    expect([dead.lines, lane.account.deadLetteredRecords]).toEqual([[], 0])
    const bodies = new Map(fake.requests.map(({ batchId, body }) => [batchId, body]))
    expect(fake.requests.every(({ batchId, body }) => bodies.get(batchId) === body)).toBe(true)
    await lane.drain()
  })

  test('is truncated also where every record of a larger batch is too large, in a bounded number of requests', async () => {
    const lines = Array.from({ length: 28 }, (_, n) => event(n, 50))
    const { fake, dead, done, lane } = setUp({
      content: `${lines.join('\n')}\n`,
      answer: ({ body }) => (body.includes('requestObject') ? tooLarge : ok),
      delivery: { batchMaxSize: 28 },
    })
    await done()
    expect(fake.delivered.toSorted()).toEqual(lines.map((_, n) => truncated(n)).toSorted())
    expect([dead.lines, fake.requests[0]?.records.length]).toEqual([[], 28])
    const halving = 2 * 28 - 1
    expect(fake.requests.length).toBe(halving + 28)
    await lane.drain()
  })

  test('does not hide that the destination refuses whatever is smaller', async () => {
    let healed = false
    const { fake, dead, done, lane } = setUp({
      content: `${numbered(28).join('\n')}\n`,
      answer: ({ records }) => (healed ? ok : records.length > 4 ? tooLarge : refused),
      delivery: { batchMaxSize: 28, maxInFlight: 1 },
    })
    const rounds = () => [...fake.requests.entries()].filter(([, { records }]) => records.length === 28)
    await until(() => rounds().length > 1)
    expect([lane.account.trouble, dead.lines, fake.delivered]).toEqual(['misconfigured', [], []])
    expect(rounds()[1]?.[0]).toBeLessThan(40)
    healed = true
    await done()
    expect(fake.delivered.length).toBe(28)
    await lane.drain()
  })

  test('and still is when truncated is dead-lettered as it was', async () => {
    const { fake, dead, done, lane } = setUp({
      content: `${event(1, 500)}\n${record(2)}\n`,
      answer: (request) => (isOf(request, record(2)) && request.records.length === 1 ? ok : tooLarge),
    })
    await done()
    expect(isOf(fake.requests.at(-1) as SentRequest, truncated(1))).toBe(true)
    expect(dead.entries.map(({ reason, status }) => [reason, status])).toEqual([['413', 413]])
    expect([dead.lines, fake.delivered]).toEqual([[event(1, 500)], [record(2)]])
    await lane.drain()
  })

  test.each([
    ['has no bodies', JSON.stringify({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', note: 'x'.repeat(500) })],
    ['is no audit event', JSON.stringify({ kind: 'Event', requestObject: 'x'.repeat(500) })],
  ])('and %s is dead-lettered at once', async (_name, line) => {
    const { fake, dead, done, lane } = setUp({ content: `${line}\n`, answer: () => tooLarge })
    await done()
    expect([dead.lines, fake.requests.length]).toEqual([[line], 1])
    await lane.drain()
  })

  test('is retried when truncated, with the same bytes', async () => {
    let failures = 3
    const { fake, done, lane } = setUp({
      content: `${event(1, 500)}\n`,
      answer: (request) => {
        if (!isOf(request, truncated(1))) return tooLarge
        failures -= 1
        return failures < 0 ? ok : busy
      },
    })
    await done()
    const again = fake.requests.slice(1).map(({ batchId, body }) => `${batchId} ${body}`)
    expect([again.length, new Set(again).size]).toEqual([4, 1])
    await lane.drain()
  })
})

describe('blocking modes', () => {
  const blocking = { batchMaxSize: 1, maxInFlight: 1 }
  const received = '{"stage":"RequestReceived"}'

  test('blocking dead-letters a refused record after a few rounds when others were accepted before', async () => {
    const lines = numbered(4)
    const { fake, dead, done, lane } = setUp({
      content: `${lines.join('\n')}\n`,
      answer: (request) => (isOf(request, record(2)) ? refused : ok),
      delivery: { mode: 'blocking', ...blocking },
    })
    await done()
    expect([dead.lines, fake.delivered]).toEqual([[record(2)], [record(0), record(1), record(3)]])
    expect(fake.requests.filter((request) => isOf(request, record(2)))).toHaveLength(3)
    await lane.drain()
  })

  test.each([
    [1, 10],
    [4, 8],
    [10, 10],
    [11, 0],
  ])(
    'in batches of %i, %i records in a row are dead-lettered of a destination that begins to refuse everything',
    async (size, count) => {
      let healed = false
      const lines = numbered(size + 30)
      const good = lines.slice(0, size)
      const { fake, dead, done, lane } = setUp({
        content: `${lines.join('\n')}\n`,
        answer: (_request, attempt) => (healed || attempt === 1 ? ok : refused),
        delivery: { batchMaxSize: size, maxInFlight: 1 },
      })
      const stuck = lines.slice(size + count, 2 * size + count)
      await until(() => fake.requests.filter(({ records }) => records.join() === stuck.join()).length > 5)
      expect([fake.delivered, lane.account.trouble]).toEqual([good, 'misconfigured'])
      expect(dead.lines.toSorted()).toEqual(lines.slice(size, size + count).toSorted())
      healed = true
      await done()
      expect([...fake.delivered, ...dead.lines].toSorted()).toEqual(lines.toSorted())
      await lane.drain()
    },
  )

  test('records that are too large beside one that is refused are delivered truncated all the same', async () => {
    const lines = [record(0), record(1), event(2, 500), record(3), record(4)]
    const { fake, dead, done, lane } = setUp({
      content: `${lines.join('\n')}\n`,
      answer: (request) => (request.body.length > 300 ? tooLarge : isOf(request, record(3)) ? refused : ok),
      delivery: { batchMaxSize: 2, maxInFlight: 1 },
    })
    await done()
    expect(fake.delivered).toEqual([record(0), record(1), truncated(2), record(4)])
    expect(dead.lines).toEqual([record(3)])
    await lane.drain()
  })

  test('goes on behind many refused records also where only an event that was truncated was accepted before', async () => {
    const bad = numbered(30).slice(1)
    const { fake, dead, done, lane } = setUp({
      content: `${[event(0, 500), ...bad, record(30)].join('\n')}\n`,
      answer: (request) => {
        if (request.body.length > 300) return tooLarge
        return bad.some((line) => isOf(request, line)) ? refused : ok
      },
      delivery: { mode: 'blocking', ...blocking },
    })
    await done()
    expect(dead.lines).toEqual(bad)
    expect([...new Set(fake.delivered)]).toEqual([truncated(0), record(30)])
    await lane.drain()
  })

  test('blocking-strict goes no further than a refused RequestReceived event until it is accepted', async () => {
    let healed = false
    const { fake, dead, done, lane } = setUp({
      content: `${record(1)}\n${received}\n${record(2)}\n`,
      answer: (request) => (isOf(request, received) && !healed ? refused : ok),
      delivery: { mode: 'blocking-strict', ...blocking },
    })
    await until(() => lane.account.held === 1 && fake.requests.length > 8)
    expect([fake.delivered, dead.lines]).toEqual([[record(1)], []])
    healed = true
    await done()
    expect(fake.delivered).toEqual([record(1), received, record(2)])
    await lane.drain()
  })
})

describe('blocking-strict', () => {
  const strict = { mode: 'blocking-strict', batchMaxSize: 1, maxInFlight: 1 } as const

  test('never dead-letters a RequestReceived event, also where there is a limit of attempts', async () => {
    let healed = false
    const received = '{"stage": "RequestReceived"}'
    const { fake, dead, done, lane } = setUp({
      content: `${received}\n${record(1)}\n`,
      answer: () => (healed ? ok : busy),
      delivery: { ...strict, maxAttempts: 2 },
    })
    await until(() => lane.account.held === 1 && fake.requests.length > 5)
    healed = true
    await done()
    expect([fake.delivered.length, dead.lines, lane.account.held]).toEqual([2, [], 0])
    await lane.drain()
  })

  test('goes on behind another event, also one that quotes such a stage', async () => {
    const quoting = '{"stage":"ResponseComplete","requestObject":{"stage":"RequestReceived"}}'
    const { dead, done, lane } = setUp({
      content: `${record(1)}\n${quoting}\n${record(2)}\n`,
      answer: (request) => (isOf(request, quoting) ? refused : ok),
      delivery: strict,
    })
    await done()
    expect(dead.lines).toEqual([quoting])
    await lane.drain()
  })
})

describe('odd lines', () => {
  test('a line that is no JSON object is dead-lettered and its neighbours are delivered', async () => {
    const { fake, dead, done, lane } = setUp({ content: `${record(1)}\nnot json\n\n${record(2)}\n` })
    await done()
    expect([dead.lines, fake.delivered]).toEqual([['not json'], [record(1), record(2)]])
    await lane.drain()
  })

  const whole = (n: number) => `{"kind":"Event","apiVersion":"audit.k8s.io/v1","n":${n}}`
  const torn = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","audi'

  test('an event glued to a torn line is recovered', async () => {
    const { fake, dead, done, lane } = setUp({ content: `${torn}${whole(1)}\n${record(2)}\n` })
    await done()
    expect([dead.lines, fake.delivered]).toEqual([[torn], [whole(1), record(2)]])
    await lane.drain()
  })

  test('events that lost the newline between them are delivered each, behind a torn one, too', async () => {
    const content = `${whole(1)}${whole(2)}\n${torn}${whole(3)}${whole(4)}${whole(5)}\r\n${record(6)}\n`
    const { fake, file, dead, done, lane } = setUp({ content })
    await done()
    expect([dead.lines, fake.delivered]).toEqual([[torn], [...[1, 2, 3, 4, 5].map(whole), record(6)]])
    const start = content.indexOf(torn)
    expect(dead.entries).toMatchObject([{ reason: 'torn-line', start, end: start + torn.length }])
    expect(file.settlements.reduce((sum, { deadLetteredBytes }) => sum + deadLetteredBytes, 0)).toBe(torn.length)
    await lane.drain()
  })

  test('such events are sent one by one by blocking-strict, which stops between them', async () => {
    let healed = false
    const received = whole(1).replace('"n"', '"stage":"RequestReceived","n"')
    const { fake, file, done, lane } = setUp({
      content: `${whole(0)}${received}${whole(2)}\n`,
      answer: (request) => (isOf(request, received) && !healed ? refused : ok),
      delivery: { mode: 'blocking-strict', batchMaxSize: 1, maxInFlight: 1 },
    })
    await until(() => lane.account.held === 1 && fake.requests.length > 3)
    expect([fake.delivered, file.ledger.watermark]).toEqual([[whole(0)], whole(0).length])
    healed = true
    await done()
    expect(fake.delivered).toEqual([whole(0), received, whole(2)])
    await lane.drain()
  })

  test('such events are delivered in order whatever a batch may hold, and a batch is cut the same after a crash', async () => {
    const line = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 9 }), fc.constantFrom('\n', '\r\n'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 60, max: 300 }),
        fc.nat(),
        async (lines, batchMaxSize, batchMaxBytes, moment) => {
          let n = 0
          const nextEvents = (count: number) => Array.from({ length: count }, () => whole(n++)).join('')
          const content = lines.map(([isTorn, count, newline]) => `${isTorn ? torn : ''}${nextEvents(count)}${newline}`)
          const run = async (from: number) => {
            const settled: number[] = []
            const { fake, file, dead, done, lane } = setUp({
              content: content.join(''),
              from,
              batchMaxBytes,
              answer() {
                settled.push(file.ledger.watermark)
                return ok
              },
              delivery: { batchMaxSize, maxInFlight: 1 },
            })
            await done()
            await lane.drain()
            return { fake, file, dead, settled, ids: fake.requests.map(({ batchId }) => batchId) }
          }
          const { fake, file, dead, settled, ids } = await run(0)
          expect(fake.delivered).toEqual(Array.from({ length: n }, (_, index) => whole(index)))
          expect(fake.requests.every(({ body, records }) => records.length === 1 || body.length <= batchMaxBytes)).toBe(
            true,
          )
          const torns = lines.filter(([isTorn]) => isTorn).length
          expect(dead.lines).toEqual(Array.from({ length: torns }, () => torn))
          const deadBytes = file.settlements.reduce((sum, { deadLetteredBytes }) => sum + deadLetteredBytes, 0)
          expect(deadBytes).toBe(torns * torn.length)
          const crash = moment % ids.length
          expect((await run(settled[crash] ?? 0)).ids).toEqual(ids.slice(crash))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a run of NUL bytes is skipped and counted', async () => {
    const content = Buffer.concat([Buffer.alloc(10_000), Buffer.from(`${record(1)}\n`)])
    const { fake, file, done, lane } = setUp({ content })
    await done()
    expect(fake.delivered).toEqual([record(1)])
    expect(file.skips.reduce((sum, skipped) => sum + (skipped['nul-run'] ?? 0), 0)).toBe(10_000)
    await lane.drain()
  })

  test('a long audit event is truncated as kube-apiserver truncates, another long line is dead-lettered whole', async () => {
    const event = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      requestObject: { data: 'y'.repeat(5000), nested: [{ a: '"}' }] },
      responseObject: {},
      annotations: { a: 'b' },
    }
    const long = 'z'.repeat(3000)
    const { fake, dead, file, done, lane } = setUp({ content: `${JSON.stringify(event)}\n${long}\n${record(3)}\n` })
    await done()
    const cut = JSON.stringify(event).length - (fake.delivered[0]?.length ?? 0)
    expect(file.skips.reduce((sum, { truncated = 0 }) => sum + truncated, 0)).toBe(cut)
    expect(fake.delivered.map((line) => JSON.parse(line))).toEqual([
      {
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        annotations: { 'audit.k8s.io/truncated': 'true', a: 'b' },
      },
      { n: 3 },
    ])
    expect(dead.lines).toEqual([long])
    const start = JSON.stringify(event).length + 1
    expect(dead.entries).toMatchObject([{ reason: 'too-long', start, end: start + long.length + 1 }])
    await lane.drain()
  })
})

/** As if the file had been truncated meanwhile. */
function cutShort(chunk: Chunk): Chunk['lineFrom'] {
  return async (offset) => {
    const line = await chunk.lineFrom(offset)
    if (line.kind === 'partial') return line
    return {
      ...line,
      async *pieces() {
        let bytes = 0
        for await (const piece of line.pieces()) {
          bytes += piece.length
          if (bytes > line.length / 2) return
          yield piece
        }
      },
    }
  }
}

describe('a line that is longer than memory may be', () => {
  const line = Buffer.alloc(5_500_000, 'not json ')

  test('is stored piece by piece as it is read, and its neighbours are delivered', async () => {
    const content = Buffer.concat([Buffer.from(`${record(1)}\n`), line, Buffer.from(`\n${record(2)}\n`)])
    const { fake, dead, file, done, lane } = setUp({ content })
    await done()
    expect(fake.delivered).toEqual([record(1), record(2)])
    expect(Buffer.from(dead.lines.join('')).equals(line)).toBe(true)
    expect(Math.max(...dead.writes)).toBeLessThan(1_500_000)
    expect(dead.entries.every(({ start, end }) => start === 8 && end === 8 + line.length + 1)).toBe(true)
    expect(file.settlements.reduce((sum, { deadLetteredBytes }) => sum + deadLetteredBytes, 0)).toBe(line.length + 1)
    await lane.drain()
  })

  test.each([[1024], [10_000_000]])(
    'is left where it is when it cannot be read to its end (maximum %i)',
    async (maxLineBytes) => {
      const file = memoryFeed(Buffer.concat([line, Buffer.from('\n')]), originOf('/var/log/audit.log', maxLineBytes))
      const left: string[] = []
      const feed: Feed = {
        ...file.feed,
        async read(room) {
          const chunk = left.length > 0 ? undefined : await file.feed.read(room)
          return chunk && { ...chunk, lineFrom: cutShort(chunk), leave: (rest) => left.push(rest) }
        },
        ready: (signal) => (left.length === 0 ? file.feed.ready(signal) : createNotifier().wait(signal)),
      }
      const fake = fakeDestination(() => ok, { batchMaxSize: 10, batchMaxBytes: 4096, maxLineBytes: 1024 })
      const dead = deadLetters()
      const options = { delivery, throttle: free, deadLetters: dead.port, log: silentLog }
      const lane = createLane({ destination: fake.destination, feed, ...options })
      lane.start()
      await until(() => left.length === 1)
      await lane.abort()
      expect([file.ledger.taken, fake.requests]).toEqual([0, []])
    },
  )

  test('is followed no further when the lane is to stop', async () => {
    const file = memoryFeed(Buffer.concat([line, Buffer.from('\n')]))
    const asked: AbortSignal[] = []
    const feed: Feed = {
      ...file.feed,
      async read(room, signal) {
        const chunk = await file.feed.read(room)
        const lineFrom = async (): Promise<LongLine> => {
          if (signal) asked.push(signal)
          await new Promise((resolve) => signal?.addEventListener('abort', resolve))
          return { kind: 'partial' }
        }
        return chunk && { ...chunk, lineFrom }
      },
    }
    const fake = fakeDestination(() => ok, { batchMaxSize: 10, batchMaxBytes: 4096, maxLineBytes: 1024 })
    const options = { delivery, throttle: free, deadLetters: deadLetters().port, log: silentLog }
    const lane = createLane({ destination: fake.destination, feed, ...options })
    lane.start()
    await until(() => asked.length === 1)
    await lane.drain()
    expect([file.ledger.taken, fake.requests]).toEqual([0, []])
  })

  test('waits while the dead letter is full, and is read again after the next start', async () => {
    const stored = [{ kind: 'stored' }, { kind: 'full', stored: 0 }] as const
    const content = Buffer.concat([Buffer.from(`${record(1)}\n`), line, Buffer.from('\n')])
    const { fake, file, lane } = setUp({ content, stored: [...stored] })
    await until(() => lane.account.held === 1)
    await lane.drain()
    expect(fake.delivered).toEqual([record(1)])
    expect(file.ledger.watermark).toBe(8)
  })
})

test('for any answers every record ends delivered or dead-lettered, and the watermark never passes an unsettled one', async () => {
  const verdicts = fc.constantFrom(ok, ok, ok, busy, refused, tooLarge)
  const lines = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 200 })), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(
      lines,
      fc.array(verdicts, { maxLength: 30 }),
      fc.uniqueArray(fc.nat(39), { maxLength: 3 }),
      fc.integer({ min: 300, max: 3000 }),
      async (shapes, script, poisoned, maxBytes) => {
        // A destination that accepts nothing is held to be misconfigured, so one record is accepted whenever it comes alone.
        const good = shapes.length
        const lines = shapes.map(([isEvent, padding], n) => (isEvent ? event(n, padding) : record(n, padding)))
        lines.push(record(good))
        const numberOf = (line: string): number => JSON.parse(line).n
        const poison = new Set(poisoned.filter((n) => n < good))
        const { fake, dead, file, done, lane } = setUp({
          content: `${lines.join('\n')}\n`,
          answer: ({ body, records }, attempt) => {
            if (records.some((line) => poison.has(numberOf(line)))) return refused
            if (records.every((line) => numberOf(line) === good)) return ok
            return body.length > maxBytes ? tooLarge : (script[attempt - 1] ?? ok)
          },
        })
        await done()
        await lane.drain()
        const whole = [...fake.delivered, ...dead.lines].filter((line) => lines.includes(line))
        const short = fake.delivered.filter((line) => !lines.includes(line))
        expect(short).toEqual(short.map(numberOf).map(truncated))
        expect([...whole, ...short].map(numberOf).toSorted((a, b) => a - b)).toEqual([...lines.keys()])
        const bodies = new Map(fake.requests.map(({ batchId, body }) => [batchId, body]))
        expect(fake.requests.every(({ batchId, body }) => bodies.get(batchId) === body)).toBe(true)
        expect(file.ledger.entries).toBe(0)
        expect(fake.bodies).toBeLessThanOrEqual(delivery.maxInFlight + 1)
      },
    ),
    { numRuns: 150 },
  )
})
