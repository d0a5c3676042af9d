import { expect, it } from 'vitest'
import { createRateLimit } from '../../src/observe/rate-limit.ts'

it('lets the first of a key through and then one per interval, with the number left out', () => {
  const limit = createRateLimit({ intervalMs: 30_000, maxKeys: 10 })
  const at = [0, 1, 29_999, 30_000, 30_001, 60_000, 200_000]
  expect(at.map((nowMs) => limit.admit('a', nowMs))).toEqual([0, undefined, undefined, 2, undefined, 1, 0])
})

it('counts keys apart', () => {
  const limit = createRateLimit({ intervalMs: 30_000, maxKeys: 10 })
  expect([limit.admit('a', 0), limit.admit('b', 1), limit.admit('a', 2)]).toEqual([0, 0, undefined])
})

it('forgets the key that has been silent longest when there are too many', () => {
  const limit = createRateLimit({ intervalMs: 30_000, maxKeys: 2 })
  limit.admit('a', 0)
  limit.admit('b', 1)
  limit.admit('a', 40_000)
  limit.admit('c', 40_001)
  expect([limit.admit('a', 40_002), limit.admit('c', 40_003), limit.admit('b', 40_004)]).toEqual([
    undefined,
    undefined,
    0,
  ])
})
