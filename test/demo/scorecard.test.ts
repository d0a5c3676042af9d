import { describe, expect, it } from 'vitest'
import type { AcceptedRequest, Arrival, Received } from '../../src/demo/received.ts'
import { type Evidence, judge, type Kill } from '../../src/demo/scorecard.ts'

const kill: Kill = { storedAtMs: 9000, restartedAtMs: 12_000 }

function request(receivedAtMs: number, more: Partial<AcceptedRequest> = {}): AcceptedRequest {
  return { batchId: 'batch', bodyCrc32: 1, receivedAtMs, reply: 'sent', repliedAtMs: receivedAtMs + 10, ...more }
}

/** Arrivals as `identity: [request, …]`; the CRC of an event is 7. */
function received(arrivals: Record<string, readonly number[]>, requests: AcceptedRequest[] = [request(0)]): Received {
  const entries = Object.entries(arrivals).map(
    ([identity, indexes]) => [identity, indexes.map((index): Arrival => ({ request: index, crc32: 7 }))] as const,
  )
  return { arrivals: new Map(entries), requests, unreadable: [], refusals: new Map(), throttled: 0, bytes: 100 }
}

function evidence(more: Partial<Evidence> = {}): Evidence {
  return {
    seed: 1,
    destination: 'datadog',
    durationMs: 1000,
    written: {
      lines: new Map([
        ['a', 7],
        ['b', 7],
      ]),
      torn: [],
      bytes: 100,
      rotations: 3,
    },
    received: received({ a: [0], b: [0] }),
    kills: [],
    measured: {
      retries: 0,
      highestLag: { events: 0, bytes: 0, ms: 0 },
      peakMemoryBytes: 1,
      throughput: { eventsPerSecond: 1, bytesPerSecond: 1 },
    },
    agent: { exitCode: 0, deadLetteredRecords: 0 },
    problems: [],
    ...more,
  }
}

describe('a score card', () => {
  it('passes when every written event arrived as it was written', () => {
    expect(judge(evidence())).toMatchObject({
      verdict: 'PASS',
      failures: [],
      written: { events: 2, bytes: 100 },
      delivered: { events: 2, bytes: 100 },
      missing: 0,
      rotations: 3,
      duplicates: { total: 0 },
    })
  })

  it('fails for events that are missing', () => {
    expect(judge(evidence({ received: received({ a: [0] }) }))).toMatchObject({
      verdict: 'FAIL',
      failures: ['1 event did not arrive'],
      delivered: { events: 1 },
      missing: 1,
    })
  })

  it('fails for events with other bytes, also when only one of their arrivals has them', () => {
    const altered = received({ a: [0], b: [0] })
    altered.arrivals.get('b')?.push({ request: 0, crc32: 8 })
    expect(judge(evidence({ received: altered }))).toMatchObject({ verdict: 'FAIL', corrupted: 1 })
  })

  it('fails for events that nobody wrote', () => {
    const card = judge(evidence({ received: received({ a: [0], b: [0], c: [0] }) }))
    expect(card).toMatchObject({ verdict: 'FAIL', unknown: 1, delivered: { events: 2 } })
  })

  it('fails for refused requests and for problems beside the counts', () => {
    const refused = received({ a: [0], b: [0] })
    refused.refusals.set('403 wrong API key', 2)
    const card = judge(evidence({ received: refused, problems: ['the agent exited unexpectedly'] }))
    expect(card.failures).toEqual(['2 requests refused: 403 wrong API key', 'the agent exited unexpectedly'])
  })

  it('lets the fragment of a torn event arrive, but no other fragment', () => {
    const written = { ...evidence().written, torn: [{ identity: 'torn', bytes: 5, ofBytes: 9 }] }
    const fragments = { ...received({ a: [0], b: [0] }), unreadable: ['torn'] }
    expect(judge(evidence({ written, received: fragments }))).toMatchObject({
      verdict: 'PASS',
      torn: { events: 1, fragmentsReceived: 1 },
      corrupted: 0,
    })
    for (const identity of ['a', undefined]) {
      const others = { ...fragments, unreadable: ['torn', identity] }
      expect(judge(evidence({ written, received: others }))).toMatchObject({ verdict: 'FAIL', corrupted: 1 })
    }
  })

  it('fails when a torn event arrives whole', () => {
    const written = { ...evidence().written, torn: [{ identity: 'torn', bytes: 5, ofBytes: 9 }] }
    const card = judge(evidence({ written, received: received({ a: [0], b: [0], torn: [0] }) }))
    expect(card).toMatchObject({ verdict: 'FAIL', unknown: 1 })
  })

  it('fails when a batch comes again under its id with other bytes', () => {
    const requests = [request(0, { reply: 'lost' }), request(1), request(2, { bodyCrc32: 2 })]
    expect(judge(evidence({ received: received({ a: [0], b: [0] }, requests) }))).toMatchObject({
      verdict: 'FAIL',
      batches: { accepted: 3, resentChanged: 1 },
    })
  })
})

describe('a duplicate', () => {
  const explained = (earlier: AcceptedRequest, later: AcceptedRequest, kills = [kill]) => {
    const card = judge(evidence({ received: received({ a: [0, 1], b: [1] }, [earlier, later]), kills }))
    const { total, ...reasons } = card.duplicates
    expect([total, card.verdict]).toEqual([1, reasons.unexplained === 0 ? 'PASS' : 'FAIL'])
    return Object.entries(reasons).find(([, count]) => count === 1)?.[0]
  }

  it.each([
    ['afterLostReply', request(0, { reply: 'lost' }), request(500)],
    ['afterCutConnection', request(0, { reply: 'cut' }), request(500)],
    ['unexplained', request(0), request(500)],
    ['unexplained', request(0, { reply: 'lost' }), request(500, { batchId: 'other' })],
    ['unexplained', request(0, { reply: 'lost', batchId: undefined }), request(500, { batchId: undefined })],
    ['unexplained', request(0, { reply: 'pending' }), request(500)],
  ])('of one life is %s by its batch and the reply (%#)', (reason, earlier, later) => {
    expect(explained(earlier, later)).toBe(reason)
  })

  it.each([
    ['afterKill', request(9900, { reply: 'cut' }), request(12_500, { batchId: 'other' })],
    ['afterKill', request(9900), request(12_500, { batchId: 'other' })],
    ['afterKill', request(4500), request(12_500, { batchId: 'other' })],
    ['afterKill', request(11_000, { reply: 'cut' }), request(12_500, { batchId: 'other' })],
    ['unexplained', request(3500), request(12_500, { batchId: 'other' })],
    ['unexplained', request(12_100), request(12_500)],
  ])('across a kill is %s by when positions were stored and the reply was sent (%#)', (reason, earlier, later) => {
    expect(explained(earlier, later)).toBe(reason)
  })

  it('across the kill of an agent that has not stored any position yet is explained, however old', () => {
    const never = { storedAtMs: undefined, restartedAtMs: 12_000 }
    expect(explained(request(0), request(12_500), [never])).toBe('afterKill')
  })
})
