import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createSaver } from '../../src/checkpoint/saver.ts'
import type { SaveResult, Store } from '../../src/checkpoint/store.ts'
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

/** A store whose writes end when they are told to. */
function slowStore() {
  const begun: PromiseWithResolvers<SaveResult>[] = []
  const states: object[] = []
  const store: Pick<Store, 'save'> = {
    save(state) {
      const write = Promise.withResolvers<SaveResult>()
      begun.push(write)
      states.push(state)
      return write.promise
    },
  }
  return { begun, states, store }
}

test.each([[false], [true]])(
  'a last write joins the one that is under way, or follows it with the latest state (changed: %s)',
  async (changed) => {
    const { begun, states, store } = slowStore()
    let n = 1
    const saver = createSaver({ state: () => ({ n }), log: silentLog, store })
    saver.touch()
    await vi.runOnlyPendingTimersAsync()
    if (changed) saver.touch()
    const flushed = Promise.all([saver.flush(), saver.flush()])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(states).toEqual([{ n: 1 }])
    n = 2
    begun[0]?.resolve({ kind: 'saved' })
    await vi.advanceTimersByTimeAsync(10_000)
    const written = changed ? [{ n: 1 }, { n: 2 }] : [{ n: 1 }]
    expect(states).toEqual(written)
    begun[1]?.resolve({ kind: 'saved' })
    expect(await flushed).toEqual([true, true])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(states).toEqual(written)
    saver.stop()
  },
)

test('a last write is tried again when the one under way fails', async () => {
  const { begun, store } = slowStore()
  const saver = createSaver({ state: () => ({}), log: silentLog, store })
  saver.touch()
  await vi.runOnlyPendingTimersAsync()
  const flushed = saver.flush()
  begun[0]?.resolve({ kind: 'failed', code: 'ENOSPC', message: 'no space' })
  await vi.advanceTimersByTimeAsync(0)
  expect(saver.error).toBe('no space')
  begun[1]?.resolve({ kind: 'saved' })
  expect([await flushed, saver.error, begun.length]).toEqual([true, undefined, 2])
  saver.stop()
})

test('asks a disk that refuses once a second, however often positions move, and flushes all the same', async () => {
  let writes = 0
  const saver = createSaver({
    state: () => ({}),
    log: silentLog,
    store: {
      save: async () => {
        writes += 1
        return { kind: 'failed', code: 'ENOSPC', message: 'no space' }
      },
    },
  })
  for (let ms = 0; ms < 10_000; ms += 10) {
    saver.touch()
    await vi.advanceTimersByTimeAsync(10)
  }
  expect(writes).toBeGreaterThanOrEqual(9)
  expect(writes).toBeLessThanOrEqual(11)
  expect([await saver.flush(), saver.error]).toEqual([false, 'no space'])
  saver.stop()
})

test.each(['before', 'after'])('writes nothing once it is stopped, though positions moved %s that', async (when) => {
  const { begun, store } = slowStore()
  const saver = createSaver({ state: () => ({}), log: silentLog, store })
  if (when === 'before') saver.touch()
  saver.stop()
  if (when === 'after') saver.touch()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(begun.length).toBe(0)
})

test('tells that positions cannot be written, and that they can be again', async () => {
  const told: string[] = []
  const tell = (_: unknown, message: string) => void told.push(message.split(':')[0] ?? '')
  const results: SaveResult[] = [{ kind: 'failed', code: 'ENOSPC', message: 'no space' }]
  const saver = createSaver({
    state: () => ({}),
    log: { ...silentLog, info: tell, error: tell },
    store: { save: async () => results.pop() ?? { kind: 'saved' } },
  })
  for (let write = 0; write < 3; write += 1) await saver.flush()
  expect(told).toEqual(['positions cannot be written', 'positions can be written again'])
  saver.stop()
})
