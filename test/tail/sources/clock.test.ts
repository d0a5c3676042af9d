import { appendFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nodeFiles } from '../../../src/tail/file/files.ts'
import { createDirectoryListings } from '../../../src/tail/names/directory-listings.ts'
import { sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

const HOUR_MS = 3_600_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

describe.each([['beginning' as const], ['end' as const]])(
  'where the clock is set back after the first start, from start_position %s',
  (startPosition) => {
    test('what appears since is no history, though its time is earlier', async () => {
      using dir = tempDir()
      const at = (name: string) => join(dir.path, name)
      const nowMs = Date.now()
      vi.setSystemTime(nowMs + 8 * HOUR_MS)
      const tail = tailRig({ dir: dir.path, sources: [sourceOf(at('*.log'), { startPosition })] })
      appendFileSync(at('old.log.1'), 'history\n')
      appendFileSync(at('old.log'), 'old\n')
      expect(await tail.lines()).toEqual(startPosition === 'end' ? [] : ['old'])
      vi.setSystemTime(nowMs)
      appendFileSync(at('a.log.1'), 'rotated between two looks\n')
      appendFileSync(at('a.log'), 'a\n')
      expect(await tail.lines()).toEqual(['rotated between two looks', 'a'])
      await tail.restart()
      appendFileSync(at('b.log.1'), 'rotated while the agent was down\n')
      appendFileSync(at('b.log'), 'b\n')
      expect(await tail.lines()).toEqual(['rotated while the agent was down', 'b'])
      await tail.close()
    })
  },
)

test('what was history at the first start stays so when the clock is set back to before it was written', async () => {
  using dir = tempDir()
  const at = (name: string) => join(dir.path, name)
  const nowMs = Date.now()
  const write = (name: string, text: string | Buffer, hours: number) => {
    writeFileSync(at(name), text)
    utimesSync(at(name), new Date(), new Date(nowMs + hours * HOUR_MS))
  }
  write('app.log.3.gz', gzipSync('packed\n'), 5)
  write('app.log.2', 'plain\n', 6)
  write('app.log', 'live\n', 7)
  vi.setSystemTime(nowMs + 8 * HOUR_MS)
  const tail = tailRig({ dir: dir.path, sources: [sourceOf(at('app.log'))] })
  expect(await tail.lines()).toEqual(['live'])
  vi.setSystemTime(nowMs)
  for (let start = 0; start < 2; start += 1) {
    await tail.restart()
    expect(await tail.lines()).toEqual([])
  }
  await tail.close()
})

test('listings of directories that are gone are forgotten, though the clock was set back', () => {
  using dir = tempDir()
  const listings = createDirectoryListings(nodeFiles)
  const nowMs = Date.now()
  listings.begin(nowMs + 48 * HOUR_MS)
  listings.list(dir.path)
  listings.begin(nowMs)
  expect(listings.size).toBe(0)
})
