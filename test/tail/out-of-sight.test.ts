import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { describeSource } from '../../src/agent/source-status.ts'
import type { LogFields } from '../../src/log.ts'
import { nodeFiles } from '../../src/tail/file/files.ts'
import { birthless, faultyFiles } from '../support/faulty-files.ts'
import { moment } from '../support/moment.ts'
import { type RigOptions, silentLog, sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

function rig(dir: string, { name = 'app.log', ...more }: Partial<RigOptions> & { readonly name?: string } = {}) {
  const at = (other: string) => join(dir, other)
  const told: unknown[] = []
  const gone: unknown[] = []
  const log = {
    ...silentLog,
    warn: ({ reason }: LogFields) => void (reason === undefined || told.push(reason)),
    error: ({ bytes }: LogFields) => void gone.push(bytes),
  }
  const tail = tailRig({ dir, log, sources: [sourceOf(at(name))], ...more })
  return {
    tail,
    at,
    told,
    gone,
    append: (other: string, text: string) => appendFileSync(at(other), text),
    rename: (from: string, to: string) => renameSync(at(from), at(to)),
    turn: (link: string, to: string) => {
      rmSync(at(link), { force: true })
      symlinkSync(to, at(link))
    },
    looks: async (count: number) => {
      for (let look = 0; look < count; look += 1) await tail.pass()
    },
    status: () => tail.tailer.view().map((view) => describeSource(view, Date.now()))[0],
  }
}

/** How the file that was read leaves the live path, and where it is then. */
const leavings: Readonly<Record<string, (rigged: ReturnType<typeof rig>) => string>> = {
  'behind a link that is turned'({ turn, append }) {
    append('data/2.txt', 'new\n')
    turn('app.log', 'data/2.txt')
    return 'old/1.txt'
  },
  'renamed to a name of no known form'({ rename, append }) {
    rename('app.log', 'app.log.old')
    append('app.log', 'new\n')
    return 'app.log.old'
  },
}

describe.each(Object.keys(leavings))('a file %s', (name) => {
  const begin = async (dir: string, more: Partial<RigOptions> = {}) => {
    const rigged = rig(dir, more)
    const { at, append, turn, tail } = rigged
    for (const directory of ['old', 'data']) mkdirSync(at(directory))
    append('old/1.txt', 'a\n')
    if (name.includes('link')) turn('app.log', 'old/1.txt')
    else rigged.rename('old/1.txt', 'app.log')
    expect(await tail.lines()).toEqual(['a'])
    return rigged
  }
  const leave = (rigged: ReturnType<typeof rig>) => leavings[name]?.(rigged) ?? ''

  test.each([
    ['', nodeFiles],
    [' (without birth times)', birthless(nodeFiles)],
  ])('is read when it is written to after it was done with, over and over, also over restarts%s', async (_, files) => {
    using dir = tempDir()
    const rigged = await begin(dir.path, { files })
    const { append, tail, looks } = rigged
    const old = leave(rigged)
    expect(await tail.lines()).toEqual(['new'])
    for (const late of ['late', 'later', 'last']) {
      await looks(4)
      append(old, `${late}\n`)
      expect(await tail.lines()).toEqual([late])
      await looks(4)
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      append(old, `${late} after a start\n`)
      expect(await tail.lines()).toEqual([`${late} after a start`])
    }
    await tail.close()
  })

  test('is read when it is written to while the agent is down', async () => {
    using dir = tempDir()
    const rigged = await begin(dir.path)
    const { append, tail, looks } = rigged
    const old = leave(rigged)
    expect(await tail.lines()).toEqual(['new'])
    await looks(4)
    const records = structuredClone(tail.tailer.records())
    append(old, 'late\n')
    await tail.restart(records)
    expect(await tail.lines()).toEqual(['late'])
    await tail.close()
  })

  test('is read when all of this happens while the agent is down', async () => {
    using dir = tempDir()
    const rigged = await begin(dir.path)
    const { append, tail } = rigged
    const records = structuredClone(tail.tailer.records())
    append(leave(rigged), 'late\n')
    await tail.restart(records)
    expect(await tail.lines()).toEqual(['late', 'new'])
    await tail.close()
  })

  test('costs a look at each scan while nothing happens to it, and no more once it is deleted', async () => {
    using dir = tempDir()
    const faulty = faultyFiles()
    const rigged = await begin(dir.path, { files: faulty.files })
    const { at, tail, looks } = rigged
    // Of what has changed lately one more change of the same size might not show.
    const age = (path: string) => utimesSync(at(path), 1_700_000_000, 1_700_000_000)
    const costs = async () => {
      const calls = ['stat', 'open', 'readSync', 'list'] as const
      const before = calls.map(faulty.count)
      await looks(10)
      return calls.map((call, index) => faulty.count(call) - (before[index] ?? 0))
    }
    age('app.log')
    await looks(8)
    const [stats = 0, ...others] = await costs()
    const old = leave(rigged)
    expect(await tail.lines()).toEqual(['new'])
    age('app.log')
    await looks(8)
    expect(await costs()).toEqual([stats + 10, ...others])
    rmSync(at(old))
    await looks(8)
    const isListed = !old.includes('/')
    expect(await costs()).toEqual([isListed ? stats : stats + 10, ...others])
    await tail.close()
  })

  test('gives way to another one that has taken its last name', async () => {
    using dir = tempDir()
    const rigged = await begin(dir.path, { files: birthless(nodeFiles) })
    const { at, tail, looks, gone } = rigged
    const old = leave(rigged)
    expect(await tail.lines()).toEqual(['new'])
    await looks(4)
    writeFileSync(at(old), 'other content\n')
    expect(await tail.lines()).toEqual([])
    await looks(4)
    expect(tail.tailer.view()[0]?.lineages[0]?.generations.done).toEqual([])
    expect(gone).toEqual([])
    await tail.close()
  })
})

test('a directory link that is turned after a rotation behind it, while the agent is down: the rest is found there', async () => {
  using dir = tempDir()
  const { tail, append, rename, turn, at, looks, gone } = rig(dir.path, { name: 'now/app.log' })
  for (const day of ['day 1', 'day 2']) mkdirSync(at(day))
  turn('now', 'day 1')
  append('day 1/app.log', 'a\n')
  expect(await tail.lines()).toEqual(['a'])
  const records = structuredClone(tail.tailer.records())
  append('day 1/app.log', 'rest\n')
  rename('day 1/app.log', 'day 1/app.log.1')
  append('day 1/app.log', '')
  append('day 2/app.log', 'new\n')
  turn('now', 'day 2')
  await tail.restart(records)
  expect(await tail.lines()).toEqual(['rest', 'new'])
  rename('day 1/app.log.1', 'day 1/app.log.2')
  await looks(4)
  expect(gone).toEqual([])
  await tail.close()
})

describe('a directory that cannot be listed', () => {
  test('is looked at again before it is told', async () => {
    using dir = tempDir()
    const faulty = faultyFiles()
    const { tail, append, told, status } = rig(dir.path, { files: faulty.files })
    append('app.log', 'a\n')
    faulty.refuse(['list'], 'EMFILE')
    await tail.pass()
    expect(status()?.state).toBe('error')
    faulty.allow()
    expect(await tail.lines()).toEqual(['a'])
    expect(status()?.state).toBe('ok')
    expect(told).toEqual([])
    await tail.close()
  })

  test.each(['EACCES', 'EIO', 'EMFILE'])(
    'is an error of its source, told once, and over with it (%s)',
    async (code) => {
      using dir = tempDir()
      const faulty = faultyFiles()
      const { tail, append, rename, looks, status, told } = rig(dir.path, { files: faulty.files })
      await moment(dir.path)
      append('app.log', 'a\n')
      faulty.refuse(['list'], code)
      expect(await tail.lines()).toEqual(['a'])
      await looks(3)
      const error = `${code}: list '${dir.path}': files rotated there are found only while the agent may list it (EACCES: read permission is needed)`
      expect(status()).toMatchObject({ state: 'error', error })
      expect(told).toEqual([error])
      append('app.log', 'b\n')
      rename('app.log', 'app.log.1')
      append('app.log', 'c\n')
      rename('app.log', 'app.log.2')
      append('app.log', 'd\n')
      expect(await tail.lines()).toEqual(['b', 'd'])
      faulty.allow()
      expect(await tail.lines()).toEqual(['c'])
      expect(status()).toMatchObject({ state: 'ok', error: undefined })
      await tail.close()
    },
  )

  test('keeps no record of every rotation, and none is read again from it', async () => {
    using dir = tempDir()
    const faulty = faultyFiles()
    const { tail, append, rename, at, looks } = rig(dir.path, { files: faulty.files })
    for (let number = 1; number <= 300; number += 1) {
      append('app.log', `${number}\n`)
      expect(await tail.lines()).toEqual([`${number}`])
      if (number === 3) faulty.refuse(['list'], 'EACCES')
      rename('app.log', `app.log.2026-11-20_${1000 + number}`)
      if (number > 100) rmSync(at(`app.log.2026-11-20_${1000 + number - 100}`))
    }
    await looks(4)
    expect(tail.tailer.records().length).toBeLessThan(260)
    faulty.allow()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('keeps what it knows of the files there, whose names move on meanwhile', async () => {
    using dir = tempDir()
    const faulty = faultyFiles()
    const sources = [sourceOf(join(dir.path, 'app.log'), { backfill: true })]
    const { tail, append, rename, looks } = rig(dir.path, { files: faulty.files, sources })
    const numbers = Array.from({ length: 300 }, (_, index) => 300 - index)
    for (const number of numbers) append(`app.log.${number}`, `in ${number}\n`)
    append('app.log', 'live\n')
    expect(await tail.lines()).toHaveLength(301)
    await looks(4)
    faulty.refuse(['list'], 'EMFILE')
    for (const number of numbers) rename(`app.log.${number}`, `app.log.${number + 1}`)
    rename('app.log', 'app.log.1')
    await looks(5)
    faulty.allow()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })
})

describe('a file beside the live one that cannot be looked at', () => {
  const advice = 'what it holds is not read, and nothing is reported as gone, before the agent may look at it'
  const lose = async ({ append, at, tail, looks }: ReturnType<typeof rig>) => {
    append('app.log', 'unread\n')
    await looks(1)
    writeFileSync(at('app.log'), '')
    append('app.log', 'x\n')
    expect(await tail.lines()).toEqual(['x'])
    await looks(3)
  }

  test('is an error of its source: what it may hold is not reported as gone before it is known', async () => {
    using dir = tempDir()
    const faulty = faultyFiles()
    const rigged = rig(dir.path, { files: faulty.files })
    const { tail, append, at, status, gone, told, looks } = rigged
    append('app.log', 'a\n')
    append('app.log.9', 'history\n')
    utimesSync(at('app.log.9'), 0, 0)
    expect(await tail.lines()).toEqual(['a'])
    faulty.refuse(['stat'], 'EIO', at('app.log.9'))
    await lose(rigged)
    expect(gone).toEqual([])
    const error = `EIO: stat '${at('app.log.9')}': ${advice}`
    expect(status()).toMatchObject({ state: 'error', error })
    expect(told).toEqual([error])
    faulty.allow()
    await looks(3)
    expect(gone).toEqual([7])
    expect(status()).toMatchObject({ state: 'ok', error: undefined })
    await tail.close()
  })

  test('keeps no record of every rotation beside it', async () => {
    using dir = tempDir()
    const faulty = faultyFiles()
    const { tail, append, rename, at, looks } = rig(dir.path, { files: faulty.files })
    append('app.log.1000', 'history\n')
    faulty.refuse(['stat'], 'EACCES', at('app.log.1000'))
    for (let number = 1; number <= 300; number += 1) {
      append('app.log', `${number}\n`)
      expect(await tail.lines()).toEqual([`${number}`])
      rename('app.log', `app.log.${number}`)
      if (number > 3) rmSync(at(`app.log.${number - 3}`))
    }
    await looks(4)
    expect(tail.tailer.records().length).toBeLessThan(265)
    await tail.close()
  })

  test('is told of, too, when it was known and cannot be opened after a start', async () => {
    using dir = tempDir()
    const faulty = faultyFiles()
    const { tail, append, rename, at, status } = rig(dir.path, { files: faulty.files })
    append('app.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    append('app.log', 'b\n')
    const records = structuredClone(tail.tailer.records())
    rename('app.log', 'app.log.1')
    faulty.refuse(['open'], 'EACCES', at('app.log.1'))
    await tail.restart(records)
    expect(await tail.lines()).toEqual([])
    expect(status()).toMatchObject({ state: 'error', error: `EACCES: open '${at('app.log.1')}': ${advice}` })
    faulty.allow()
    expect(await tail.lines()).toEqual(['b'])
    expect(status()?.error).toBeUndefined()
    await tail.close()
  })

  test('is reported when it is gone before it could be read: what was added to a known one, and all of an unknown one', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    using dir = tempDir()
    const faulty = faultyFiles()
    const { tail, append, rename, at, gone, told, looks } = rig(dir.path, { files: faulty.files })
    append('app.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    await tail.restart()
    append('app.log', 'added\n')
    rename('app.log', 'app.log.2')
    append('app.log.1', 'unknown\n')
    append('app.log', 'new\n')
    faulty.refuse(['open'], 'EACCES', (path) => /\.\d$/.test(path))
    expect(await tail.lines()).toEqual(['new'])
    vi.advanceTimersByTime(5000)
    await looks(3)
    rename('app.log.1', 'app.log.3')
    await looks(3)
    expect(gone).toEqual([])
    const before = told.length
    rmSync(at('app.log.3'))
    rmSync(at('app.log.2'))
    await looks(4)
    expect(gone).toEqual([6])
    expect(told.slice(before)).toContainEqual(`EACCES: open '${at('app.log.3')}'`)
    await tail.close()
  })

  describe('and was delivered before a start', () => {
    /** Rotated, delivered, last written to an hour ago, and refused after a restart. */
    async function refused(dir: string) {
      const faulty = faultyFiles()
      const rigged = rig(dir, { files: faulty.files })
      const { tail, append, rename, at, looks } = rigged
      append('app.log', 'a\n')
      expect(await tail.lines()).toEqual(['a'])
      rename('app.log', 'app.log.1')
      const hourAgo = Date.now() / 1000 - 3600
      utimesSync(at('app.log.1'), hourAgo, hourAgo)
      append('app.log', 'b\n')
      expect(await tail.lines()).toEqual(['b'])
      append('app.log', 'unread\n')
      await looks(1)
      faulty.refuse(['open'], 'EACCES', at('app.log.1'))
      await tail.restart()
      const scans = async (count: number) => {
        for (let scan = 0; scan < count; scan += 1) {
          for (const { lineages } of tail.tailer.view()) for (const lineage of lineages) lineage.wantScan()
          await looks(1)
        }
      }
      return { ...rigged, allow: faulty.allow, scans }
    }

    test('is no error, and hides nothing that is gone, as long as it is unchanged', async () => {
      using dir = tempDir()
      const { tail, append, at, scans, gone, status, allow } = await refused(dir.path)
      rmSync(at('app.log'))
      append('app.log', 'c\n')
      expect(await tail.lines()).toEqual(['c'])
      await scans(3)
      expect(gone).toEqual([7])
      expect(status()).toMatchObject({ state: 'ok', error: undefined })
      append('app.log.1', 'late\n')
      await scans(2)
      expect(status()).toMatchObject({ state: 'error', error: `EACCES: open '${at('app.log.1')}': ${advice}` })
      allow()
      expect(await tail.lines()).toEqual(['late'])
      await tail.close()
    })

    const rewrite = (path: string, text: string, mtime: Date) => {
      writeFileSync(path, text)
      utimesSync(path, mtime, mtime)
    }

    test.each([
      ['times', 'z\n'],
      ['length', 'longer\n'],
    ])('is an error when it was written anew since, told by its %s, and is read once it can be', async (what, text) => {
      using dir = tempDir()
      const { tail, at, scans, status, allow } = await refused(dir.path)
      const { mtime } = statSync(at('app.log.1'))
      rewrite(at('app.log.1'), text, what === 'times' ? new Date() : mtime)
      expect(await tail.lines()).toEqual(['unread'])
      await scans(2)
      expect(status()).toMatchObject({ state: 'error', error: `EACCES: open '${at('app.log.1')}': ${advice}` })
      allow()
      expect(await tail.lines()).toEqual([text.trim()])
      expect(status()).toMatchObject({ state: 'ok', error: undefined })
      await tail.close()
    })

    test('and is read once it can be where neither tells that it was written anew', async () => {
      using dir = tempDir()
      const { tail, at, scans, status, allow } = await refused(dir.path)
      rewrite(at('app.log.1'), 'z\n', statSync(at('app.log.1')).mtime)
      expect(await tail.lines()).toEqual(['unread'])
      await scans(2)
      expect(status()).toMatchObject({ state: 'ok', error: undefined })
      allow()
      await scans(1)
      expect(await tail.lines()).toEqual(['z'])
      await tail.close()
    })
  })

  test('is none when it is a link that leads back to itself', async () => {
    using dir = tempDir()
    const rigged = rig(dir.path)
    const { tail, append, turn, gone, status } = rigged
    append('app.log', 'a\n')
    turn('app.log.9', 'app.log.9')
    expect(await tail.lines()).toEqual(['a'])
    await lose(rigged)
    expect(gone).toEqual([7])
    expect(status()).toMatchObject({ state: 'ok' })
    await tail.close()
  })
})
