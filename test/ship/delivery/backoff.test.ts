import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Attempt, nextDelayMs } from '../../../src/ship/delivery/backoff.ts'

const attempts = fc.record({
  attempt: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 })),
  initialMs: fc.integer({ min: 1, max: 60_000 }),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
  maxMs: fc.integer({ min: 1, max: 3_600_000 }),
})
const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

const delay = (random: number, attempt: Omit<Attempt, 'random'>) => nextDelayMs({ ...attempt, random: () => random })

describe('the delay before the next attempt', () => {
  it.each([
    { attempt: 1, capMs: 1000 },
    { attempt: 2, capMs: 2000 },
    { attempt: 3, capMs: 4000 },
    { attempt: 7, capMs: 64_000 },
    { attempt: 8, capMs: 120_000 },
    { attempt: 9, capMs: 120_000 },
    { attempt: 5000, capMs: 120_000 },
  ])('is at most $capMs ms after $attempt failures', ({ attempt, capMs }) => {
    const settings = { attempt, initialMs: 1000, factor: 2, maxMs: 120_000 }

    expect([0, 0.25, 0.5, 0.75].map((random) => delay(random, settings))).toEqual(
      [1, 0.75, 0.5, 0.25].map((part) => part * capMs),
    )
  })

  it('is positive, and never above the maximum', () => {
    fc.assert(
      fc.property(attempts, draws, (attempt, random) => {
        const ms = delay(random, attempt)
        return ms > 0 && ms <= attempt.maxMs
      }),
    )
  })

  it('does not shrink as failures add up, for the same draw', () => {
    fc.assert(
      fc.property(attempts, draws, (attempt, random) => {
        const next = { ...attempt, attempt: attempt.attempt + 1 }
        return delay(random, next) >= delay(random, attempt)
      }),
    )
  })

  it('spreads evenly over the whole of its range at the maximum', () => {
    fc.assert(
      fc.property(draws, draws, (a, b) => {
        const atMaximum = { attempt: 100, initialMs: 1000, factor: 2, maxMs: 120_000 }
        expect(delay(a, atMaximum) - delay(b, atMaximum)).toBeCloseTo((b - a) * 120_000, 6)
      }),
    )
  })
})
