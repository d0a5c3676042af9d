import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createPool } from '../../src/ship/pool.ts'

describe('items of a pool', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('are taken last in, first out', () => {
    const pool = createPool<string>()
    pool.give('a')
    pool.give('b')
    expect([pool.take(), pool.take(), pool.take()]).toEqual(['b', 'a', undefined])
  })

  test('are disposed of after half a minute without use, those in use around them not', () => {
    const disposed: string[] = []
    const pool = createPool<string>((item) => disposed.push(item))
    for (const item of ['burst', 'burst too', 'steady']) pool.give(item)
    for (let second = 1; second < 90; second += 1) {
      vi.advanceTimersByTime(1000)
      expect(disposed).toEqual(second < 30 ? [] : ['burst', 'burst too'])
      expect(pool.take()).toBe('steady')
      pool.give('steady')
    }
  })

  test('are all disposed of when there is nothing to do, and leave no timer', () => {
    const disposed: string[] = []
    const pool = createPool<string>((item) => disposed.push(item))
    pool.give('a')
    vi.advanceTimersByTime(20_000)
    pool.give('b')
    vi.advanceTimersByTime(29_999)
    expect(disposed).toEqual(['a'])
    vi.advanceTimersByTime(1)
    expect(disposed).toEqual(['a', 'b'])
    expect(pool.take()).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
  })
})
