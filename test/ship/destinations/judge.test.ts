import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../../src/ship/destination.ts'
import { anySuccess, judge, webhookSuccess } from '../../../src/ship/destinations/judge.ts'

const nowMs = Date.UTC(2026, 0, 1)
const answered = (status: number, more: { retryAfter?: string; location?: string; text?: string } = {}) =>
  ({
    kind: 'answered',
    status,
    requestSent: true,
    retryAfter: undefined,
    location: undefined,
    text: '',
    ...more,
  }) as const

function kindOf(status: number, delivered: (status: number) => boolean): string {
  const verdict = judge(answered(status), { delivered, sentBytes: 1, nowMs })
  return verdict.kind === 'retry' && verdict.unauthorized === true ? 'retry, unauthorized' : verdict.kind
}

describe('judge', () => {
  const rows: readonly [statuses: readonly number[], datadog: string, webhook: string][] = [
    [[200, 201, 202, 204, 206], 'delivered', 'delivered'],
    [[207, 299], 'delivered', 'retry'],
    [[300, 301, 302, 304, 307, 308], 'retry', 'retry'],
    [[401, 403], 'retry, unauthorized', 'retry, unauthorized'],
    [[407, 408, 425, 429], 'retry', 'retry'],
    [[413], 'too-large', 'too-large'],
    [[400, 402, 404, 405, 410, 411, 415, 418, 422, 431, 451, 499], 'rejected', 'rejected'],
    [[500, 502, 503, 504, 507, 599, 600, 999], 'retry', 'retry'],
  ]
  for (const [statuses, datadog, webhook] of rows) {
    it(`takes ${statuses.join(', ')} for ${datadog} at datadog, ${webhook} at a webhook`, () => {
      expect(statuses.map((status) => kindOf(status, anySuccess))).toEqual(statuses.map(() => datadog))
      expect(statuses.map((status) => kindOf(status, webhookSuccess))).toEqual(statuses.map(() => webhook))
    })
  }

  const verdictOf = (answer: Parameters<typeof judge>[0]): Verdict =>
    judge(answer, { delivered: anySuccess, sentBytes: 42, nowMs })

  it('tells how much was sent', () => {
    expect(verdictOf(answered(202))).toEqual({ kind: 'delivered', sentBytes: 42 })
  })

  it('retries what was answered before it was sent, unless it was refused', () => {
    const early = (status: number) => verdictOf({ ...answered(status), requestSent: false })
    expect(early(202)).toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining('before the whole request was sent'),
    })
    expect([early(413).kind, early(400).kind]).toEqual(['too-large', 'rejected'])
  })

  it('retries what the network did, with its reason', () => {
    const reason = 'ECONNREFUSED: connection refused by 127.0.0.1:1'
    expect(verdictOf({ kind: 'failed', reason })).toEqual({ kind: 'retry', reason })
  })

  it('names the status and quotes the answer', () => {
    expect(verdictOf(answered(422, { text: 'no such index' }))).toEqual({
      kind: 'rejected',
      status: 422,
      reason: 'HTTP 422 Unprocessable Entity: no such index',
    })
    expect(verdictOf(answered(599))).toEqual({ kind: 'retry', status: 599, reason: 'HTTP 599' })
  })

  it('names where a redirect leads', () => {
    expect(verdictOf(answered(308, { location: 'https://new.example/' }))).toMatchObject({
      reason: expect.stringContaining('redirects to https://new.example/ are not followed'),
    })
  })

  it('hands on Retry-After of whatever is retried, in seconds or as a date', () => {
    expect(verdictOf(answered(429, { retryAfter: '7' }))).toMatchObject({ kind: 'retry', retryAfterMs: 7000 })
    expect(verdictOf(answered(503, { retryAfter: new Date(nowMs + 9000).toUTCString() }))).toMatchObject({
      retryAfterMs: 9000,
    })
    expect(verdictOf(answered(503, { retryAfter: '-1' }))).not.toHaveProperty('retryAfterMs')
  })
})
