import { describe, expect, it } from 'vitest'
import { createEventSource, identityOf } from '../../../src/demo/events/events.ts'

interface AuditEvent {
  readonly level: string
  readonly auditID: string
  readonly stage: string
  readonly user: { readonly username: string }
  readonly requestObject?: { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } }
  readonly responseObject?: unknown
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
}

function linesOf(seed: number, count: number, nowMs?: number): Buffer[] {
  const source = createEventSource(seed)
  return Array.from({ length: count }, () => source.next(nowMs))
}

function parse(line: Buffer): AuditEvent {
  return JSON.parse(line.toString()) as AuditEvent
}

const lines = linesOf(42, 10_000)
const events = lines.map(parse)

describe('an event source', () => {
  it.each([0, 7, 42, 4_294_967_295])('makes lines of 1 to 100 KB, 1.9 to 2.1 KB in the mean (seed %i)', (seed) => {
    const sizes = linesOf(seed, 10_000).map((line) => line.length)
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
    expect(mean).toBeGreaterThan(1.9 * 1024)
    expect(mean).toBeLessThan(2.1 * 1000)
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(1000)
    expect(Math.max(...sizes)).toBeGreaterThan(90_000)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100_000)
  })

  it('makes the same bytes from the same seed, and others from another one', () => {
    expect(Buffer.concat(linesOf(5, 500)).equals(Buffer.concat(linesOf(5, 500)))).toBe(true)
    expect(Buffer.concat(linesOf(5, 500)).equals(Buffer.concat(linesOf(6, 500)))).toBe(false)
  })

  it('goes on where an earlier one ended', () => {
    const later = createEventSource(42, 4000)
    expect(identityOf(later.next())).toBe(identityOf(lines[4000] ?? ''))
    expect(later.count).toBe(4001)
  })

  it('ends every line with its only newline', () => {
    expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true)
  })

  it('keeps the fields in the order kube-apiserver writes them', () => {
    const order =
      'kind apiVersion level auditID stage requestURI verb user impersonatedUser sourceIPs userAgent objectRef responseStatus requestObject responseObject requestReceivedTimestamp stageTimestamp annotations'.split(
        ' ',
      )
    for (const event of events) expect(Object.keys(event)).toEqual(order.filter((key) => key in event))
  })

  it('escapes what Go escapes', () => {
    const text = Buffer.concat(lines).toString()
    expect(/[<>&\u2028\u2029\uE000\uE001]/.test(text)).toBe(false)
    const sequences = ['\\u003c', '\\u003e', '\\u0026', '\\u2028', '\\n', '\\\\\\"', '\\\\u003c']
    expect(sequences.filter((sequence) => !text.includes(sequence))).toEqual([])
  })

  it('mixes levels and stages, with bodies where their level has them', () => {
    const shares = (key: 'level' | 'stage') => Object.groupBy(events, (event) => event[key])
    const { Metadata = [], Request = [], RequestResponse = [] } = shares('level')
    for (const group of [Metadata, Request, RequestResponse]) expect(group.length).toBeGreaterThan(500)
    expect(Metadata.filter((event) => event.requestObject || event.responseObject)).toEqual([])
    expect(Request.filter((event) => !event.requestObject || event.responseObject)).toEqual([])
    expect(RequestResponse.filter((event) => !event.responseObject)).toEqual([])
    const { RequestReceived = [], ResponseStarted = [], ResponseComplete = [] } = shares('stage')
    expect(Math.min(RequestReceived.length, ResponseStarted.length)).toBeGreaterThan(200)
    expect(ResponseComplete.length).toBeGreaterThan(8000)
  })

  it('has names that are not ASCII, and JSON within JSON', () => {
    expect(new Set(events.map((event) => event.user.username))).toContain('oidc:山田太郎@example.co.jp')
    const applied = events
      .map((event) => event.requestObject?.metadata?.annotations?.['kubectl.kubernetes.io/last-applied-configuration'])
      .filter((text) => text !== undefined)
    expect(applied.length).toBeGreaterThan(50)
    for (const text of applied) expect(JSON.parse(text)).toMatchObject({ kind: 'Deployment' })
  })

  it('stamps events with the given time in six decimals, received before the stage', () => {
    const [line] = linesOf(1, 3, Date.UTC(2026, 10, 20, 14, 33, 45, 420)).slice(2)
    const event = parse(line ?? Buffer.alloc(0))
    expect(event.stageTimestamp).toMatch(/^2026-11-20T14:33:45\.420\d{3}Z$/)
    expect(event.requestReceivedTimestamp).toMatch(/^2026-11-20T14:33:45\.\d{6}Z$/)
    expect(events.filter((each) => each.requestReceivedTimestamp > each.stageTimestamp)).toEqual([])
  })

  it('logs some requests at two stages, under one auditID', () => {
    const byId = Object.groupBy(events, (event) => event.auditID)
    const pairs = Object.values(byId).filter((group) => group?.length === 2)
    expect(pairs).toHaveLength(1000)
    for (const pair of pairs) {
      expect(pair?.map((event) => event.stage)).toEqual([expect.not.stringMatching('Complete'), 'ResponseComplete'])
      expect(pair?.[0]?.requestReceivedTimestamp).toBe(pair?.[1]?.requestReceivedTimestamp)
    }
  })
})

describe('an identity', () => {
  it('tells all events apart, and is the same from a line, its text and its object', () => {
    const identities = lines.map(identityOf)
    expect(new Set(identities).size).toBe(lines.length)
    expect(lines.map((line) => identityOf(line.toString()))).toEqual(identities)
    expect(events.map(identityOf)).toEqual(identities)
    expect(identities[0]).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-b[\da-f]{3}-[\da-f]{12}\/\w+$/)
  })

  it('is undefined for what is no audit event', () => {
    expect(
      ['{"kind":"Event"}', '', Buffer.from('plain text'), {}, [], { auditID: 1, stage: 'x' }].map(identityOf),
    ).toEqual(Array(6).fill(undefined))
  })
})
