import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** Sets the clock, as NTP does, while no time passes. */
const setClock = (byMs: number) => void vi.setSystemTime(Date.now() + byMs)
const pass = (ms: number) => void vi.advanceTimersByTime(ms)

function rig(dir: string, pattern = 'audit.log') {
  const sources = [sourceOf(join(dir, pattern), { backfill: true })]
  const tail = tailRig({ dir, sources, finalQuietMs: 5 * SECOND_MS, deletedQuietMs: 5 * MINUTE_MS })
  return {
    tail,
    at: (name: string) => join(dir, name),
    append: (name: string, text: string) => appendFileSync(join(dir, name), text),
  }
}

describe.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
])('when the clock is set %s', (_, stepMs) => {
  test('half a line at the end of a rotated file is waited for as long as ever', async () => {
    using dir = tempDir()
    const { tail, at, append } = rig(dir.path)
    append('audit.log', 'a\n{"half')
    expect(await tail.lines()).toEqual(['a'])
    renameSync(at('audit.log'), at('audit.log.1'))
    append('audit.log', 'b\n')
    expect(await tail.lines()).toEqual(['b'])
    setClock(stepMs)
    expect(await tail.lines()).toEqual([])
    append('audit.log.1', 'ed":1}\nlast')
    expect(await tail.lines()).toEqual(['{"halfed":1}'])
    setClock(stepMs)
    pass(4 * SECOND_MS)
    expect(await tail.lines()).toEqual([])
    pass(SECOND_MS)
    expect(await tail.lines()).toEqual(['last'])
    await tail.close()
  })

  test('so is half a line in a copy of what was seen to change', async () => {
    using dir = tempDir()
    const { tail, at, append } = rig(dir.path)
    append('audit.log', 'a\nlast')
    expect(await tail.lines()).toEqual(['a'])
    copyFileSync(at('audit.log'), at('audit.log.1'))
    truncateSync(at('audit.log'))
    setClock(stepMs)
    expect(await tail.lines()).toEqual([])
    pass(5 * SECOND_MS)
    expect(await tail.lines()).toEqual(['last'])
    await tail.close()
  })

  test('a deleted file is read for as long as ever', async () => {
    using dir = tempDir()
    const { tail, at, append } = rig(dir.path)
    append('audit.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    const writer = openSync(at('audit.log'), 'a')
    rmSync(at('audit.log'))
    expect(await tail.lines()).toEqual([])
    setClock(stepMs)
    expect(await tail.lines()).toEqual([])
    writeSync(writer, 'b\n')
    expect(await tail.lines()).toEqual(['b'])
    setClock(stepMs)
    pass(4 * MINUTE_MS)
    await tail.lines()
    expect(tail.tailer.openFiles).toBe(1)
    pass(MINUTE_MS)
    await tail.lines()
    expect(tail.tailer.openFiles).toBe(0)
    closeSync(writer)
    await tail.close()
  })

  test('a file that is renamed to a name that is read, too, is not finished', async () => {
    using dir = tempDir()
    const { tail, at, append } = rig(dir.path, '*.log')
    append('a.log', '1\nha')
    expect(await tail.lines()).toEqual(['1'])
    renameSync(at('a.log'), at('b.log'))
    expect(await tail.lines()).toEqual([])
    pass(10 * SECOND_MS)
    expect(await tail.lines()).toEqual([])
    setClock(stepMs)
    expect(await tail.lines()).toEqual([])
    append('b.log', 'lf\n')
    expect(await tail.lines()).toEqual(['half'])
    await tail.close()
  })
})

describe('the last line of a rotated file that is seen for the first time is delivered', () => {
  function rotated(dir: string, writtenMs: number) {
    const rigged = rig(dir)
    const { at, append } = rigged
    append('audit.log.1', 'a\nlast')
    const writtenAt = (Date.now() + writtenMs) / SECOND_MS
    utimesSync(at('audit.log.1'), writtenAt, writtenAt)
    append('audit.log', 'b\n')
    return rigged
  }

  test('at once, when it was quiet before', async () => {
    using dir = tempDir()
    const { tail } = rotated(dir.path, -MINUTE_MS)
    expect((await tail.lines()).toSorted()).toEqual(['a', 'b', 'last'])
    await tail.close()
  })

  test('after the usual time, when it seems to be written in the future', async () => {
    using dir = tempDir()
    const { tail } = rotated(dir.path, HOUR_MS)
    expect(await tail.lines()).toEqual(['a', 'b'])
    pass(5 * SECOND_MS)
    expect(await tail.lines()).toEqual(['last'])
    await tail.close()
  })
})

test('a rotated file that begins like one that is gone is read after the usual time, though it seems to be written in the future', async () => {
  using dir = tempDir()
  const { tail, at, append } = rig(dir.path)
  const banner = `${'#'.repeat(1500)}\n`
  append('audit.log', `${banner}${'first\n'.repeat(100)}`)
  expect(await tail.lines()).toHaveLength(101)
  rmSync(at('audit.log'))
  append('audit.log.1', `${banner}second\n`)
  const writtenAt = (Date.now() + HOUR_MS) / SECOND_MS
  utimesSync(at('audit.log.1'), writtenAt, writtenAt)
  append('audit.log', 'third\n')
  await tail.restart()
  expect(await tail.lines()).toEqual(['third'])
  pass(4 * SECOND_MS)
  append('audit.log.1', 'more\n')
  utimesSync(at('audit.log.1'), writtenAt, writtenAt)
  expect(await tail.lines()).toEqual([])
  pass(4 * SECOND_MS)
  expect(await tail.lines()).toEqual([])
  pass(SECOND_MS)
  expect((await tail.lines()).slice(1)).toEqual(['second', 'more'])
  await tail.close()
})
