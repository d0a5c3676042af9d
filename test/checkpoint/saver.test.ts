import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createSaver } from '../../src/checkpoint/saver.ts'
import { silentLog } from '../support/tail-rig.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** How many writes there are in a minute in which positions always move. */
async function writesInAMinute(writeMs: number): Promise<number> {
  let writes = 0
  const saver = createSaver({
    state: () => ({}),
    log: silentLog,
    store: {
      save: async () => {
        writes += 1
        await new Promise((resolve) => setTimeout(resolve, writeMs))
        return { kind: 'saved' }
      },
    },
  })
  for (let ms = 0; ms < 60_000; ms += 10) {
    saver.touch()
    await vi.advanceTimersByTimeAsync(10)
  }
  saver.stop()
  return writes
}

test.each([
  [1, 594],
  [40, 60],
  [60_000 / 48, 10],
])('writes that take %d ms are so few that they take little of the time, but not ever fewer', async (writeMs, most) => {
  const writes = await writesInAMinute(writeMs)
  expect(writes).toBeGreaterThan(0.8 * most)
  expect(writes).toBeLessThanOrEqual(most + 1)
})

test('a last write does not wait', async () => {
  let writes = 0
  const saver = createSaver({
    state: () => ({}),
    log: silentLog,
    store: {
      save: async () => {
        writes += 1
        return { kind: 'saved' }
      },
    },
  })
  await saver.flush()
  saver.touch()
  await saver.flush()
  expect(writes).toBe(2)
  saver.stop()
})
