import {
  appendFileSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LogFields } from '../../../src/log.ts'
import { type Files, nodeFiles } from '../../../src/tail/file/files.ts'
import type { Lineage } from '../../../src/tail/lineage/lineage.ts'
import { createTailer } from '../../../src/tail/tailer.ts'
import { birthless, faultyFiles } from '../../support/faulty-files.ts'
import { moment } from '../../support/moment.ts'
import { silentLog, sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { until } from '../../support/until.ts'

const MINUTE_MS = 60_000
const settled = { deliveredRecords: 0, deadLetteredRecords: 0, deadLetteredBytes: 0, truncatedBytes: 0 }

/** A log with archives beside it, what is said, and how often an archive is opened. */
function rig(dir: string, files: Files = nodeFiles) {
  const at = (name: string) => join(dir, name)
  const errors: LogFields[] = []
  const warnings: unknown[] = []
  let opens = 0
  const tail = tailRig({
    dir,
    sources: [sourceOf(at('audit.log'), { backfill: true })],
    log: {
      ...silentLog,
      error: (fields) => void errors.push(fields),
      warn: ({ reason }) => void warnings.push(reason),
    },
    files: {
      ...files,
      open(path) {
        if (path.endsWith('.gz')) opens += 1
        return files.open(path)
      },
    },
  })
  return {
    at,
    errors,
    warnings,
    tail,
    write: (name: string, text: string) => appendFileSync(at(name), text),
    pack: (name: string) => {
      writeFileSync(at(`${name}.gz`), gzipSync(readFileSync(at(name))))
      rmSync(at(name))
    },
    looks: async (count: number) => {
      for (let look = 0; look < count; look += 1) await tail.pass()
    },
    get opens() {
      return opens
    },
    get shown() {
      return tail.tailer.view().flatMap(({ warnings: shown }) => shown)
    },
  }
}

/** The file system, but for what happens before each read of an archive. */
function archiveFiles(onRead: () => Promise<void>): Files {
  const archives = new Set<number>()
  return {
    ...nodeFiles,
    open(path) {
      const fd = nodeFiles.open(path)
      if (typeof fd === 'number' && path.endsWith('.gz')) archives.add(fd)
      return fd
    },
    async read(fd, into, position) {
      if (archives.has(fd)) await onRead()
      return nodeFiles.read(fd, into, position)
    },
    close(fd) {
      archives.delete(fd)
      nodeFiles.close(fd)
    },
  }
}

describe('a file beside the live one', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  test('that is refused is tried again after pauses that double, and told of', async () => {
    using dir = tempDir()
    const { files, refuse, allow } = faultyFiles()
    const log = rig(dir.path, files)
    const { at, tail, looks } = log
    log.write('audit.log', 'live\n')
    log.write('audit.log.1', 'old\n')
    log.pack('audit.log.1')
    refuse(['open'], 'EACCES', at('audit.log.1.gz'))
    await looks(10)
    expect(log.opens).toBe(2)
    expect([log.warnings, log.shown]).toEqual([[], []])
    const counts: number[] = []
    for (let second = 0; second < 40; second += 1) {
      vi.advanceTimersByTime(1000)
      await looks(3)
      counts.push(log.opens)
    }
    // After 1, 3, 7, 15 and 31 seconds.
    expect([0, 1, 2, 5, 6, 13, 14, 29, 30, 39].map((second) => counts[second])).toEqual([3, 3, 4, 4, 5, 5, 6, 6, 7, 7])
    const told = expect.stringContaining(`${at('audit.log.1.gz')}: EACCES`)
    expect(log.warnings).toEqual([told])
    expect(log.shown).toEqual([told])
    allow()
    vi.advanceTimersByTime(MINUTE_MS / 2)
    expect((await tail.lines()).sort()).toEqual(['live', 'old'])
    expect(log.shown).toEqual([])
    expect(log.errors).toEqual([])
    await tail.close()
  })

  test.each([
    ['audit.log.9.gz', 'EACCES'],
    ['audit.log.9', 'EACCES'],
    ['audit.log.9', 'EAGAIN'],
  ])('that is refused keeps no loss secret for good (%s, %s)', async (name, code) => {
    using dir = tempDir()
    const { files, refuse } = faultyFiles()
    const { at, tail, looks, write, errors } = rig(dir.path, files)
    write('audit.log', 'unread\n')
    await looks(1)
    rmSync(at('audit.log'))
    write('audit.log', 'another\n')
    writeFileSync(at(name), name.endsWith('.gz') ? gzipSync('refused\n') : 'refused\n')
    refuse(['open'], code, at(name))
    await tail.restart()
    await looks(5)
    vi.advanceTimersByTime(9 * MINUTE_MS)
    await looks(5)
    expect(errors).toEqual([])
    vi.advanceTimersByTime(MINUTE_MS)
    await looks(5)
    expect(errors.map(({ bytes }) => bytes)).toEqual([7])
    await tail.close()
  })

  test('that is refused does not have the directory scanned at every look', async () => {
    using dir = tempDir()
    const { files, refuse } = faultyFiles()
    let scans = 0
    const counted: Files = {
      ...files,
      stat(path) {
        if (path.endsWith('.gz')) scans += 1
        return files.stat(path)
      },
    }
    const { at, tail, looks, write } = rig(dir.path, counted)
    write('audit.log', 'unread\n')
    await looks(1)
    rmSync(at('audit.log'))
    write('audit.log', 'another\n')
    writeFileSync(at('audit.log.1.gz'), gzipSync('refused\n'))
    refuse(['open'], 'EACCES', at('audit.log.1.gz'))
    await tail.restart()
    await looks(3)
    const [lineage] = tail.tailer.view().flatMap(({ lineages }) => lineages)
    const before = scans
    for (let tick = 0; tick < 3; tick += 1) {
      vi.advanceTimersByTime(250)
      for (let look = 0; look < 10; look += 1) lineage?.check(Date.now())
    }
    expect(scans - before).toBe(3)
    await tail.close()
  })

  test('that is damaged is told of once, when it is not completed for ten minutes', async () => {
    using dir = tempDir()
    const log = rig(dir.path)
    const { at, tail, looks, errors } = log
    const archive = at('audit.log.1.gz')
    const whole = gzipSync('old\n'.repeat(1000))
    const damaged = Buffer.from(whole)
    damaged[damaged.length - 5] = (damaged.at(-5) ?? 0) ^ 0x55
    writeFileSync(archive, damaged)
    await looks(3)
    expect([log.opens, errors, log.shown]).toEqual([1, [], []])
    vi.advanceTimersByTime(10 * MINUTE_MS)
    await looks(3)
    renameSync(archive, at('audit.log.2.gz'))
    await looks(3)
    expect(log.opens).toBe(1)
    expect(errors).toEqual([{ path: archive, reason: 'incorrect data check' }])
    expect(log.shown).toEqual([`${at('audit.log.2.gz')}: incorrect data check`])
    writeFileSync(at('audit.log.2.gz'), whole)
    expect(await tail.lines()).toHaveLength(1000)
    expect(log.shown).toEqual([])
    await tail.close()
  })

  test('that is damaged is told of at once when it was written long ago', async () => {
    using dir = tempDir()
    const { at, tail, looks, errors } = rig(dir.path)
    writeFileSync(at('audit.log.1.gz'), gzipSync('old\n').subarray(0, 15))
    utimesSync(at('audit.log.1.gz'), 1, 1)
    await looks(2)
    expect(errors).toEqual([{ path: at('audit.log.1.gz'), reason: 'unexpected end of file' }])
    await tail.close()
  })
})

test('an archive is inflated once while its file is read on through the open descriptor', async () => {
  using dir = tempDir()
  const onRead = { meanwhile: async () => {} }
  const log = rig(
    dir.path,
    archiveFiles(() => onRead.meanwhile()),
  )
  const { at, tail, looks, write, pack } = log
  const lines = Array.from({ length: 5000 }, (_, n) => `line ${n}`)
  write('audit.log', lines.map((line) => `${line}\n`).join(''))
  await looks(1)
  const taken: string[] = []
  const take = async () => {
    // Further than what is known of a file by its beginning.
    const room = Buffer.alloc(2048)
    const chunk = await tail.tailer.feed('main').read(room)
    if (!chunk) return
    const end = room.lastIndexOf(10) + 1
    taken.push(...room.toString('latin1', 0, end).trimEnd().split('\n'))
    chunk.take(end).settle(settled)
    chunk.leave('unread')
  }
  await take()
  renameSync(at('audit.log'), at('audit.log.1'))
  await looks(1)
  pack('audit.log.1')
  onRead.meanwhile = take
  const before = taken.length
  await looks(3)
  expect(taken.length).toBeGreaterThan(before)
  expect(log.opens).toBe(1)
  expect([...taken, ...(await tail.lines())]).toEqual(lines)
  await tail.close()
})

test('an archive is not taken for what begins alike and is read on, then truncated, while it is inflated', async () => {
  using dir = tempDir()
  const onRead = { meanwhile: async () => {} }
  const { at, tail, looks, write } = rig(
    dir.path,
    archiveFiles(() => onRead.meanwhile()),
  )
  const banner = '#'.repeat(3000)
  write('audit.log', `${banner}\n`)
  expect(await tail.lines()).toEqual([banner])
  write('audit.log', 'of the live file\n')
  await looks(1)
  const others = ['in the archive', 'and more', 'and more again']
  writeFileSync(at('audit.log.1.gz'), gzipSync(`${[banner, ...others].join('\n')}\n`))
  const taken: string[] = []
  let reads = 0
  onRead.meanwhile = async () => {
    reads += 1
    // The first reads are for the beginning, which is compared before the archive is inflated.
    if (reads !== 3) return
    const room = Buffer.alloc(64)
    const chunk = await tail.tailer.feed('main').read(room)
    taken.push(room.toString('latin1', 0, chunk?.length))
    chunk?.take(chunk.length).settle(settled)
    chunk?.leave('partial')
    truncateSync(at('audit.log'))
    for (const { lineages } of tail.tailer.view()) for (const lineage of lineages) lineage.check(Date.now())
  }
  await looks(1)
  expect(taken).toEqual(['of the live file\n'])
  expect(await tail.lines()).toEqual([banner, ...others])
  await tail.close()
})

test.each([
  ['length', 101],
  ['age', 102],
])(
  'an archive that is written over by one of the same %s while it is inflated is read for what it holds then',
  async (same, count) => {
    using dir = tempDir()
    let reads = 0
    let isReplaced = false
    const files = archiveFiles(async () => {
      reads += 1
    })
    const { at, tail, looks, write } = rig(dir.path, {
      ...files,
      stat(path) {
        // The first look at it after it was inflated.
        if (path.endsWith('.gz') && reads > 0 && !isReplaced) {
          const { atime, mtime } = statSync(path)
          writeFileSync(path, pack(others))
          if (same === 'age') utimesSync(path, atime, mtime)
          isReplaced = true
        }
        return files.stat(path)
      },
    })
    const pack = (lines: readonly string[]) => gzipSync(`${lines.join('\n')}\n`, { level: 0 })
    const lines = Array.from({ length: 100 }, (_, n) => `line ${n + 100}`)
    const others = Array.from({ length: count }, (_, n) => `else ${n + 100}`)
    write('audit.log', lines.map((line) => `${line}\n`).join(''))
    expect(await tail.lines()).toEqual(lines)
    write('audit.log', 'unread 1\n')
    await looks(1)
    writeFileSync(at('audit.log.1.gz'), pack([...lines, 'unread 1']))
    utimesSync(at('audit.log.1.gz'), 1, 1)
    await tail.restart()
    rmSync(at('audit.log'))
    expect(await tail.lines()).toEqual(others)
    expect(isReplaced).toBe(true)
    await tail.close()
  },
)

test('an archive that was written over by a longer one while the agent was down is read on', async () => {
  using dir = tempDir()
  const { at, tail } = rig(dir.path)
  const pack = (lines: readonly string[]) => gzipSync(lines.map((line) => `${line}\n`).join(''))
  writeFileSync(at('audit.log.1.gz'), pack(['first']))
  expect(await tail.lines()).toEqual(['first'])
  writeFileSync(at('audit.log.1.gz'), pack(['first', 'second']))
  await tail.restart()
  expect(await tail.lines()).toEqual(['second'])
  await tail.close()
})

test('a file that is gone is not let go of while an archive of it is looked into', async () => {
  using dir = tempDir()
  const at = (name: string) => join(dir.path, name)
  const gate = Promise.withResolvers<void>()
  let isInside = false
  const files = archiveFiles(() => {
    isInside = true
    return gate.promise
  })
  const tailer = createTailer({
    sources: [sourceOf(at('*.log'), { backfill: true })],
    destinations: ['main'],
    records: [],
    files,
    log: silentLog,
    tickMs: 10,
    openFilesLimit: 100,
    expireAfterMs: 1e12,
    finalQuietMs: 0,
    deletedQuietMs: 0,
    goneMs: 0,
    onChange() {},
  })
  const lineages = () => tailer.view().flatMap(({ lineages: found }) => found)
  const known = () => lineages().map(({ options }) => options.path)
  writeFileSync(at('a.log'), '')
  writeFileSync(at('a.log.1.gz'), gzipSync('old\n'))
  tailer.start()
  await until(() => isInside)
  const lineage = lineages()[0] as Lineage
  rmSync(at('a.log'))
  await until(() => lineage.livePath.missing >= 2 && lineage.generations.reading.length === 0)
  // Found by the next look for files, which lets go of others first.
  writeFileSync(at('b.log'), '')
  await until(() => known().includes(at('b.log')))
  expect(known()).toEqual([at('a.log'), at('b.log')])
  gate.resolve()
  await until(() => lineage.generations.reading.length === 1)
  const room = Buffer.alloc(64)
  const feed = tailer.feed('main')
  await feed.ready(AbortSignal.timeout(20_000))
  const chunk = await feed.read(room)
  expect(room.toString('latin1', 0, chunk?.length)).toBe('old\n')
  const records = tailer.records()
  expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
  await tailer.stop()
  tailer.close()
})

describe('an archive that has only the name of the live file', () => {
  const lines = (name: string) => Array.from({ length: 100 }, (_, n) => `${name} ${n}`)
  const text = (name: string) => `${lines(name).join('\n')}\n`

  test.each(['audit.log.gz', 'audit.log.1.gz'])(
    'is read when it was packed while the agent was down (%s)',
    async (name) => {
      using dir = tempDir()
      const { at, tail, write } = rig(dir.path)
      write('audit.log', text('first'))
      expect(await tail.lines()).toEqual(lines('first'))
      const records = structuredClone(tail.tailer.records())
      write('audit.log', text('unread'))
      writeFileSync(at(name), gzipSync(readFileSync(at('audit.log'))))
      rmSync(at('audit.log'))
      write('audit.log', text('new'))
      await tail.restart(records)
      expect(await tail.lines()).toEqual([...lines('unread'), ...lines('new')])
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      await tail.close()
    },
  )

  test.each([0, 1])('is read when the live file is truncated behind it (looks between: %i)', async (count) => {
    using dir = tempDir()
    const { at, errors, tail, looks, write } = rig(dir.path)
    write('audit.log', text('first'))
    expect(await tail.lines()).toEqual(lines('first'))
    write('audit.log', text('unread'))
    await looks(1)
    writeFileSync(at('audit.log.gz'), gzipSync(readFileSync(at('audit.log'))))
    await looks(count)
    truncateSync(at('audit.log'))
    write('audit.log', text('new'))
    expect((await tail.lines()).toSorted()).toEqual([...lines('unread'), ...lines('new')].toSorted())
    expect(errors).toEqual([])
    await tail.close()
  })

  test('is left alone beside it, half written or whole, and beside what it is renamed to', async () => {
    using dir = tempDir()
    const { at, errors, tail, looks, write } = rig(dir.path)
    write('audit.log', text('first'))
    expect(await tail.lines()).toEqual(lines('first'))
    write('audit.log', text('unread'))
    const whole = gzipSync(readFileSync(at('audit.log')))
    writeFileSync(at('audit.log.gz'), whole.subarray(0, whole.length / 2))
    await looks(2)
    writeFileSync(at('audit.log.gz'), whole)
    await looks(2)
    expect(await tail.lines()).toEqual(lines('unread'))
    renameSync(at('audit.log'), at('audit.log.1'))
    write('audit.log', text('new'))
    expect(await tail.lines()).toEqual(lines('new'))
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    expect(errors).toEqual([])
    await tail.close()
  })

  test('is all that is left of it when it is packed while it is read', async () => {
    using dir = tempDir()
    const { errors, tail, looks, write, pack } = rig(dir.path)
    write('audit.log', text('first'))
    expect(await tail.lines()).toEqual(lines('first'))
    write('audit.log', text('unread'))
    await looks(1)
    pack('audit.log')
    await looks(3)
    write('audit.log', text('new'))
    await tail.restart()
    expect(await tail.lines()).toEqual([...lines('unread'), ...lines('new')])
    expect(errors).toEqual([])
    await tail.close()
  })
})

describe('an archive of what is settled', () => {
  const STAMPED = 'audit-2026-11-20T14-33-45.420.log'
  /** Too long to be read whole for its beginning. */
  const lines = (name: string) => Array.from({ length: 30_000 }, (_, n) => `${name} ${n} ${(n * 7919) % 99_991}`)
  const text = (name: string) => `${lines(name).join('\n')}\n`

  function inflations(dir: string, finalQuietMs = 0) {
    const at = (name: string) => join(dir, name)
    const ends = new Set<number>()
    let count = 0
    const files: Files = {
      ...nodeFiles,
      open(path) {
        const fd = nodeFiles.open(path)
        if (typeof fd === 'number' && path.endsWith('.gz')) ends.add(fd)
        return fd
      },
      async read(fd, into, position) {
        const read = await nodeFiles.read(fd, into, position)
        if (read === 0 && ends.has(fd)) count += 1
        return read
      },
      close(fd) {
        ends.delete(fd)
        nodeFiles.close(fd)
      },
    }
    return {
      at,
      tail: tailRig({ dir, files, finalQuietMs, deletedQuietMs: finalQuietMs }),
      write: (name: string, content: string) => appendFileSync(at(name), content),
      pack: (name: string) => {
        writeFileSync(at(`${name}.gz`), gzipSync(readFileSync(at(name))))
        rmSync(at(name))
      },
      get count() {
        return count
      },
    }
  }

  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  test.each([0, MINUTE_MS])(
    'is not inflated under the name of its file, which no other has (quiet: %i ms)',
    async (quietMs) => {
      using dir = tempDir()
      const log = inflations(dir.path, quietMs)
      const { at, tail, write, pack } = log
      write('audit.log', text('first'))
      expect(await tail.lines()).toHaveLength(30_000)
      renameSync(at('audit.log'), at(STAMPED))
      write('audit.log', 'next\n')
      expect(await tail.lines()).toEqual(['next'])
      pack(STAMPED)
      expect(await tail.lines()).toEqual([])
      vi.advanceTimersByTime(2 * MINUTE_MS)
      expect(await tail.lines()).toEqual([])
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      expect(log.count).toBe(0)
      await tail.close()
    },
  )

  test('is inflated before it is read where something of it is not', async () => {
    using dir = tempDir()
    const log = inflations(dir.path)
    const { at, tail, write, pack } = log
    write('audit.log', text('first'))
    await tail.lines()
    write('audit.log', text('unread'))
    renameSync(at('audit.log'), at(STAMPED))
    await tail.pass()
    await tail.restart()
    pack(STAMPED)
    write('audit.log', 'next\n')
    expect(await tail.lines()).toEqual([...lines('unread'), 'next'])
    expect(log.count).toBe(2)
    await tail.close()
  })

  test.each([
    ['written to since', STAMPED, () => `${text('first')}late\n`, ['late']],
    ['packed under a name that others had', 'audit.log.1', () => text('first').replaceAll('9', '8'), undefined],
    ['begun otherwise', STAMPED, () => text('other'), undefined],
  ])('is inflated when it may be of another: %s', async (_, name, packed, expected) => {
    using dir = tempDir()
    const log = inflations(dir.path)
    const { at, tail, write } = log
    write('audit.log', `${'#'.repeat(2000)}\n${text('first')}`)
    await tail.lines()
    renameSync(at('audit.log'), at(name))
    write('audit.log', 'next\n')
    expect(await tail.lines()).toEqual(['next'])
    rmSync(at(name))
    const banner = packed().startsWith('other') ? '-' : '#'
    writeFileSync(at(`${name}.gz`), gzipSync(`${banner.repeat(2000)}\n${packed()}`))
    const read = await tail.lines()
    if (expected) expect(read).toEqual(expected)
    else expect(read).toHaveLength(30_001)
    expect(log.count).toBeGreaterThan(0)
    await tail.close()
  })
})

describe('an archive that stays', () => {
  afterEach(() => void vi.useRealTimers())

  test('is recorded as seen when it was last looked at, so that its record does not expire', async () => {
    using dir = tempDir()
    const { at, tail, looks, write } = rig(dir.path)
    writeFileSync(at('audit.log.1.gz'), gzipSync('first\n'))
    write('audit.log', 'live\n')
    expect(await tail.lines()).toEqual(['first', 'live'])
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    vi.advanceTimersByTime(100 * 24 * 60 * MINUTE_MS)
    await looks(2)
    const seenAt = new Date().toISOString()
    expect(tail.tailer.records().map((record) => record.seenAt)).toEqual([seenAt, seenAt])
    await tail.close()
  })
})

describe('an archive that is written over in place', () => {
  const BANNER = `${'#'.repeat(2000)}\n`
  const over = (path: string, text: string) => {
    const { ino } = statSync(path)
    writeFileSync(path, gzipSync(text))
    expect(statSync(path).ino).toBe(ino)
  }
  const places = [true, false].flatMap((hasBirth) => [true, false].map((isDown) => ({ hasBirth, isDown })))

  test.each(places)(
    'is read though it begins as before and is as long (birth times: $hasBirth, down: $isDown)',
    async ({ hasBirth, isDown }) => {
      using dir = tempDir()
      const { at, tail, write } = rig(dir.path, hasBirth ? nodeFiles : birthless(nodeFiles))
      writeFileSync(at('audit.log.1.gz'), gzipSync(`${BANNER}first  1\n`))
      write('audit.log', 'live\n')
      expect((await tail.lines()).slice(1)).toEqual(['first  1', 'live'])
      const records = structuredClone(tail.tailer.records())
      await moment(dir.path)
      over(at('audit.log.1.gz'), `${BANNER}second 2\n`)
      if (isDown) await tail.restart(records)
      expect((await tail.lines()).slice(1)).toEqual(['second 2'])
      await tail.close()
    },
  )

  test.each([0, 3])('right before the agent is stopped is read after its start (looks between: %i)', async (looks) => {
    using dir = tempDir()
    const rigged = rig(dir.path)
    const { at, tail, write } = rigged
    writeFileSync(at('audit.log.1.gz'), gzipSync(`${BANNER}first  1\n`))
    write('audit.log', 'live\n')
    expect((await tail.lines()).slice(1)).toEqual(['first  1', 'live'])
    await moment(dir.path)
    over(at('audit.log.1.gz'), `${BANNER}second 2\n`)
    await moment(dir.path)
    await rigged.looks(looks)
    await tail.restart()
    expect((await tail.lines()).slice(1)).toEqual(['second 2'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('over and over leaves no more behind than gone files are remembered', async () => {
    using dir = tempDir()
    const { at, tail, write } = rig(dir.path)
    write('audit.log', 'live\n')
    for (let n = 0; n < 270; n += 1) {
      writeFileSync(at('audit.log.1.gz'), gzipSync(`${n} ${'x'.repeat(n + 1)}\n`))
      await tail.pass()
      await tail.lines()
    }
    expect(tail.tailer.records().length).toBe(256 + 2)
    await tail.close()
  })

  test.each([10, 3000])('while it is read is read from its beginning, once (first line of %i bytes)', async (bytes) => {
    using dir = tempDir()
    const { at, errors, tail, write } = rig(dir.path)
    const lines = (name: string) => [
      `${name} ${'x'.repeat(bytes)}`,
      ...Array.from({ length: 500 }, (_, n) => `${name} ${n}`),
    ]
    const text = (name: string) => `${lines(name).join('\n')}\n`
    writeFileSync(at('audit.log.1.gz'), gzipSync(text('first')))
    write('audit.log', 'live\n')
    await tail.pass()
    const room = Buffer.alloc(4000)
    const chunk = await tail.tailer.feed('main').read(room)
    const end = room.lastIndexOf(10) + 1
    chunk?.take(end).settle(settled)
    chunk?.leave('unread')
    await moment(dir.path)
    over(at('audit.log.1.gz'), text('second'))
    expect((await tail.lines()).toSorted()).toEqual([...lines('second'), 'live'].toSorted())
    expect(errors.map((fields) => fields.bytes)).toEqual([text('first').length - end])
    await tail.close()
  })
})
