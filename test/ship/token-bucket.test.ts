import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenBucket } from '../../src/ship/token-bucket.ts'
import { expectWindowLaw } from './window-law.ts'

const rates = fc.record({
  qps: fc.oneof(
    fc.constantFrom(0.1, 0.3, 1, 7, 10, 1000 / 3, 5000),
    fc.double({ min: 0.01, max: 10_000, noNaN: true }),
  ),
  burst: fc.integer({ min: 1, max: 40 }),
})

describe('a token bucket', () => {
  it('starts full', () => {
    const bucket = createTokenBucket(10, 3)

    expect(bucket.tokensAt(-1e9)).toBe(3)
    expect([5, 5, 5, 5].map((ms) => bucket.take(ms))).toEqual([true, true, true, false])
  })

  it('says when the next token is there', () => {
    const bucket = createTokenBucket(10, 1)
    bucket.take(1000)

    expect(bucket.nextTokenMs()).toBe(1100)
    expect([1099.9, 1100].map((ms) => bucket.tokensAt(ms))).toEqual([0, 1])
  })

  it('keeps the window law and its level, whenever it is asked', () => {
    fc.assert(
      fc.property(
        rates,
        fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 3, noNaN: true })), {
          minLength: 1,
          maxLength: 150,
        }),
        ({ qps, burst }, pauses) => {
          const bucket = createTokenBucket(qps, burst)
          const takenAt: number[] = []
          let nowMs = 1e9
          for (const pause of pauses) {
            // In tokens, so that every rate is at times empty and at times full.
            nowMs += (pause * 1000) / qps
            const tokens = bucket.tokensAt(nowMs)
            expect(tokens).toBeGreaterThanOrEqual(0)
            expect(tokens).toBeLessThanOrEqual(burst)
            expect(bucket.take(nowMs)).toBe(tokens > 0)
            if (tokens > 0) takenAt.push(nowMs)
          }
          expectWindowLaw(takenAt, qps, burst)
        },
      ),
    )
  })

  it('gives exactly qps to a taker that takes what there is', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 200 }), ({ qps, burst: more }, tokens) => {
        const burst = more + 1
        const bucket = createTokenBucket(qps, burst)
        let taken = 0
        // A step is a third of a token, so none overflows.
        for (let step = 0; step <= tokens * 3; step++) while (bucket.take((step * 1000) / (3 * qps))) taken += 1
        expect(taken).toBeGreaterThanOrEqual(burst + tokens - 1)
        expect(taken).toBeLessThanOrEqual(burst + tokens)
      }),
    )
  })
})
