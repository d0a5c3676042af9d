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
import type { LogFields } from '../../src/log.ts'
import { type Files, nodeFiles } from '../../src/tail/files.ts'
import type { Lineage } from '../../src/tail/lineage.ts'
import { createTailer } from '../../src/tail/tailer.ts'
import { faultyFiles } from '../support/faulty-files.ts'
import { silentLog, sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

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
      for (let look = 0; look < count; look += 1) await tail.tailer.pass()
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
    poll: true,
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
