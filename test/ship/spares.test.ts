import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createSpares } from '../../src/ship/spares.ts'

describe('spares', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('are taken last in, first out', () => {
    const spares = createSpares<string>()
    spares.give('a')
    spares.give('b')
    expect([spares.take(), spares.take(), spares.take()]).toEqual(['b', 'a', undefined])
  })

  test('are let go of after half a minute without use, those in use around them not', () => {
    const gone: string[] = []
    const spares = createSpares<string>((spare) => gone.push(spare))
    for (const spare of ['burst', 'burst too', 'steady']) spares.give(spare)
    for (let second = 1; second < 90; second += 1) {
      vi.advanceTimersByTime(1000)
      expect(gone).toEqual(second < 30 ? [] : ['burst', 'burst too'])
      expect(spares.take()).toBe('steady')
      spares.give('steady')
    }
  })

  test('are all let go of when there is nothing to do, and leave no timer', () => {
    const gone: string[] = []
    const spares = createSpares<string>((spare) => gone.push(spare))
    spares.give('a')
    vi.advanceTimersByTime(20_000)
    spares.give('b')
    vi.advanceTimersByTime(29_999)
    expect(gone).toEqual(['a'])
    vi.advanceTimersByTime(1)
    expect(gone).toEqual(['a', 'b'])
    expect(spares.take()).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
  })
})
