import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { describeSource } from '../../../src/agent/source-status.ts'
import type { GenerationRecord } from '../../../src/checkpoint/registry.ts'
import { Fault, type FileFacts, type Files, nodeFiles } from '../../../src/tail/file/files.ts'
import { fingerprint } from '../../../src/tail/file/fingerprint.ts'
import { birthless, faultyFiles } from '../../support/faulty-files.ts'
import { moment } from '../../support/moment.ts'
import { type RigOptions, silentLog, sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { until } from '../../support/until.ts'

/** Longer than what is known of how a file begins. */
const BANNER = `${'banner '.repeat(200)}\n`
const DAY_MS = 86_400_000

/** Without birth times, on a device whose number may change. */
function onDevice(dev: () => string): Files {
  const moved = (facts: FileFacts | Fault) => (facts instanceof Fault ? facts : { ...facts, dev: dev(), birth: '0' })
  return {
    ...nodeFiles,
    stat: (path) => moved(nodeFiles.stat(path)),
    facts: (fd) => moved(nodeFiles.facts(fd)),
  }
}

/** Files of a log by the end of their names: '' the live one, '.2.gz' an archive. */
function log(dir: string) {
  const at = (end = '') => join(dir, `app.log${end}`)
  const pack = (end: string, from = end) => {
    writeFileSync(at(`${end}.gz`), gzipSync(readFileSync(at(from))))
    rmSync(at(from))
  }
  return {
    at,
    pack,
    write: (end: string, text: string) => writeFileSync(at(end), end.endsWith('.gz') ? gzipSync(text) : text),
    append: (text: string) => appendFileSync(at(), text),
    move: (from: string, to: string) => renameSync(at(from), at(to)),
    /** Sooner or later after all that was done. */
    start: async (more: Partial<RigOptions> = {}) => {
      await moment(dir)
      return tailRig({ dir, sources: [sourceOf(at())], ...more })
    },
  }
}

/** As a registry was written that knew no more of history than its files. */
function headless(records: readonly GenerationRecord[]): readonly GenerationRecord[] {
  return records.map((record) => (record.finished ? { ...record, prefix: fingerprint(Buffer.alloc(0)) } : record))
}

describe('history is not delivered', () => {
  test('as logrotate leaves it with delaycompress, under start_position: end', async () => {
    using dir = tempDir()
    const { at, write, append, start } = log(dir.path)
    for (const [index, end] of ['.1', '.2.gz', '.3.gz', '.4.gz'].entries()) {
      write(end, `history ${end} a\nhistory ${end} b\n`)
      const writtenAt = new Date(Date.now() - (index + 1) * DAY_MS)
      utimesSync(at(end), writtenAt, writtenAt)
    }
    write('', 'live\n')
    const tail = await start({ sources: [sourceOf(at(), { startPosition: 'end' })] })
    expect(await tail.lines()).toEqual([])
    append('new\n')
    expect(await tail.lines()).toEqual(['new'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('while the live file is empty, at the first start and at the next', async () => {
    using dir = tempDir()
    const { write, append, move, start } = log(dir.path)
    write('.2.gz', 'history a1\nhistory a2\n')
    write('.1.gz', 'history b1\nhistory b2\n')
    write('', '')
    const tail = await start()
    expect(await tail.lines()).toEqual([])
    append('new\n')
    expect(await tail.lines()).toEqual(['new'])
    move('', '.0')
    write('', '')
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('when it is packed later', async () => {
    using dir = tempDir()
    const { write, move, pack, start } = log(dir.path)
    write('.2', 'history a\nhistory aa\n')
    write('.1', 'history b\n')
    write('', 'live\n')
    const tail = await start()
    expect(await tail.lines()).toEqual(['live'])
    pack('.2')
    expect(await tail.lines()).toEqual([])
    move('.1', '.2')
    move('', '.1')
    write('', '')
    await tail.lines()
    pack('.3', '.2')
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test.each(['', 'live\n'])('when positions are imported and the live file holds %j', async (content) => {
    using dir = tempDir()
    const { at, write, start } = log(dir.path)
    write('.2.gz', 'history a1\nhistory a2\n')
    write('.1.gz', 'history b1\nhistory b2\n')
    write('.gz', 'history c1\nhistory c2\n')
    write('', content)
    const updatedAtMs = await moment(dir.path)
    const tail = await start({ imports: new Map([[at(), { offset: content.length, updatedAtMs }]]) })
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('at the second start, on a file system without birth times', async () => {
    using dir = tempDir()
    const { write, start } = log(dir.path)
    write('.2', 'history a\nhistory aa\n')
    write('.1', 'history b\n')
    write('', 'live\n')
    const tail = await start({ files: birthless(nodeFiles) })
    expect(await tail.lines()).toEqual(['live'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('when a registry of before knows nothing of its content, which is learnt then', async () => {
    using dir = tempDir()
    const { write, pack, start } = log(dir.path)
    write('.2', 'history a\nhistory aa\n')
    write('.1', 'history b\n')
    write('', 'live\n')
    const tail = await start()
    expect(await tail.lines()).toEqual(['live'])
    await tail.restart(headless(structuredClone(tail.tailer.records())))
    expect(await tail.lines()).toEqual([])
    pack('.2')
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('when its beginning could not be read at once, and it is packed later', async () => {
    using dir = tempDir()
    const { at, write, pack, start } = log(dir.path)
    write('.2', `${'history a'.repeat(300)}\n`)
    write('', 'live\n')
    const tail = await start({ files: readsOnce(at('.2')) })
    expect(await tail.lines()).toEqual(['live'])
    pack('.2')
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })
})

describe.each([true, false])(
  'history that begins as every file does (birth times: %s) is not delivered',
  (hasBirth) => {
    const files = hasBirth ? nodeFiles : birthless(nodeFiles)

    test('at the first start and at the next, nor when it is renamed meanwhile', async () => {
      using dir = tempDir()
      const { write, move, start } = log(dir.path)
      write('.3.gz', `${BANNER}history c\n`)
      write('.2.gz', `${BANNER}history a\n`)
      write('.1.gz', `${BANNER}history b, longer\n`)
      write('', `${BANNER}live\n`)
      const tail = await start({ files })
      expect((await tail.lines()).slice(1)).toEqual(['live'])
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      move('.3.gz', '.4.gz')
      move('.2.gz', '.3.gz')
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      await tail.close()
    })

    test('when it is packed later', async () => {
      using dir = tempDir()
      const { write, pack, start } = log(dir.path)
      write('.2', `${BANNER}history a\n`)
      write('.1', `${BANNER}history b\n`)
      write('', `${BANNER}live\n`)
      const tail = await start({ files })
      expect((await tail.lines()).slice(1)).toEqual(['live'])
      pack('.2')
      expect(await tail.lines()).toEqual([])
      pack('.1')
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      await tail.close()
    })
  },
)

describe('history that was not looked into at the first start is not delivered', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  test('where archives were still to be inflated when the agent died', async () => {
    using dir = tempDir()
    const { write, start } = log(dir.path)
    write('.2.gz', 'history a1\nhistory a2\n')
    write('.1.gz', 'history b1\nhistory b2\n')
    write('', 'live\n')
    const gate = Promise.withResolvers<void>()
    const tail = await start({ files: archivesWait(gate.promise) })
    void tail.pass()
    await until(() => tail.tailer.records().length > 0)
    const records = structuredClone(tail.tailer.records())
    gate.resolve()
    await tail.restart(records)
    expect(await tail.lines()).toEqual(['live'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    const ends = tail.tailer.records().map(({ lastPath }) => lastPath.slice(-4))
    expect(ends.toSorted()).toEqual(['.log', '1.gz', '2.gz'])
    await tail.close()
  })

  test.each([
    ['in one run', 0],
    ['after a restart', 1],
    ['after two', 2],
  ])('where it was refused, %s', async (_, restarts) => {
    using dir = tempDir()
    const { at, write, append, start } = log(dir.path)
    write('.2.gz', 'history a1\nhistory a2\n')
    write('.1', 'history b\n')
    write('', 'live\n')
    const faulty = faultyFiles()
    faulty.refuse(['open'], 'EACCES', (path) => path !== at())
    const tail = await start({ files: faulty.files })
    expect(await tail.lines()).toEqual(['live'])
    for (let restart = 0; restart < restarts; restart += 1) {
      if (restart === restarts - 1) faulty.allow()
      await tail.restart()
      expect(await tail.lines()).toEqual([])
    }
    faulty.allow()
    vi.advanceTimersByTime(60_000)
    await tail.pass()
    appendFileSync(at('.1'), 'late\n')
    append('new\n')
    expect((await tail.lines()).toSorted()).toEqual(['late', 'new'])
    await tail.close()
  })

  test.each([true, false])(
    'where it was refused, and the live file that a pattern means was rotated while the agent was down (a new one: %s)',
    async (hasLive) => {
      using dir = tempDir()
      const { at, write, append, move, start } = log(dir.path)
      write('', 'one\n')
      write('.1', `history ${BANNER}`)
      utimesSync(at('.1'), 1e9, 1e9)
      const faulty = faultyFiles()
      faulty.refuse(['open'], 'EACCES', at('.1'))
      const tail = await start({ files: faulty.files, sources: [sourceOf(join(dir.path, '*.log'))] })
      expect(await tail.lines()).toEqual(['one'])
      const records = structuredClone(tail.tailer.records())
      append('two\n')
      move('.1', '.2')
      move('', '.1')
      if (hasLive) write('', 'new\n')
      faulty.allow()
      await tail.restart(records)
      expect(await tail.lines()).toEqual(hasLive ? ['two', 'new'] : ['two'])
      await tail.close()
    },
  )
})

test('a delivered archive is not delivered again where a destination is new and the live file is empty', async () => {
  using dir = tempDir()
  const { write, move, pack, start } = log(dir.path)
  write('', 'one\ntwo\n')
  const tail = await start({ destinations: ['a'] })
  expect(await tail.lines('a')).toEqual(['one', 'two'])
  move('', '.1')
  write('', '')
  await tail.lines('a')
  pack('.1')
  expect(await tail.lines('a')).toEqual([])
  for (let restarts = 0; restarts < 2; restarts += 1) {
    await tail.restart(undefined, ['a', 'b'])
    expect([...(await tail.lines('a')), ...(await tail.lines('b'))]).toEqual([])
  }
  await tail.close()
})

test('a delivered archive is not delivered again where a destination is new and it was copied', async () => {
  using dir = tempDir()
  const { at, write, move, pack, start } = log(dir.path)
  write('', 'one\ntwo\n')
  const tail = await start({ destinations: ['a'] })
  expect(await tail.lines('a')).toEqual(['one', 'two'])
  move('', '.1')
  write('', 'three\n')
  expect(await tail.lines('a')).toEqual(['three'])
  pack('.1')
  await tail.lines('a')
  await tail.restart(undefined, ['a', 'b'])
  await tail.lines('a')
  expect(await tail.lines('b')).toEqual(['three'])
  copyFileSync(at('.1.gz'), at('.2.gz'))
  rmSync(at('.1.gz'))
  await tail.restart(undefined, ['a', 'b'])
  expect([...(await tail.lines('a')), ...(await tail.lines('b'))]).toEqual([])
  await tail.close()
})

describe('what was written after the start is delivered', () => {
  test('from an archive that is as long as a history file that is gone', async () => {
    using dir = tempDir()
    const { at, write, move, start } = log(dir.path)
    write('.1', 'history 1\nhistory 2\n')
    write('', 'live\n')
    const tail = await start()
    expect(await tail.lines()).toEqual(['live'])
    const records = structuredClone(tail.tailer.records())
    rmSync(at('.1'))
    move('', '.2')
    write('.1.gz', 'unread. 1\nunread. 2\n')
    write('', 'next\n')
    await tail.restart(records)
    expect(await tail.lines()).toEqual(['unread. 1', 'unread. 2', 'next'])
    await tail.close()
  })

  test.each([true, false])(
    'from an archive that begins as a file that is gone and is as long (down: %s)',
    async (isDown) => {
      using dir = tempDir()
      const { at, write, move, start } = log(dir.path)
      write('', `${BANNER}first  1\nfirst  2\n`)
      const tail = await start()
      expect((await tail.lines()).slice(1)).toEqual(['first  1', 'first  2'])
      move('', '.1')
      write('', 'x\n')
      expect(await tail.lines()).toEqual(['x'])
      rmSync(at('.1'))
      if (!isDown) await tail.lines()
      const records = structuredClone(tail.tailer.records())
      write('.1.gz', `${BANNER}second 1\nsecond 2\n`)
      if (isDown) await tail.restart(records)
      expect((await tail.lines()).slice(1)).toEqual(['second 1', 'second 2'])
      await tail.close()
    },
  )

  test('which is packed before the first look at its directory, and once', async () => {
    using dir = tempDir()
    const { at, write, pack, start } = log(dir.path)
    write('', 'live\n')
    const { mtime } = statSync(at())
    let looks = 0
    const tail = await start({
      files: {
        ...nodeFiles,
        list(directory) {
          looks += 1
          if (looks === 1) {
            pack('.1', '')
            utimesSync(at('.1.gz'), mtime, mtime)
          }
          return nodeFiles.list(directory)
        },
      },
    })
    await tail.pass()
    await tail.restart()
    expect(await tail.lines()).toEqual(['live'])
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test.each(['grows', 'is written over'])('from a file that was refused at the start and then %s', async (what) => {
    using dir = tempDir()
    const { at, write, append, start } = log(dir.path)
    write('.1', 'history\n')
    write('', 'live\n')
    const faulty = faultyFiles()
    faulty.refuse(['open'], 'EACCES', at('.1'))
    const tail = await start({ files: faulty.files })
    expect(await tail.lines()).toEqual(['live'])
    const records = structuredClone(tail.tailer.records())
    await moment(dir.path)
    if (what === 'grows') appendFileSync(at('.1'), 'late\n')
    else {
      append('too\n')
      copyFileSync(at(), at('.1'))
      truncateSync(at())
    }
    faulty.allow()
    await tail.restart(records)
    expect(await tail.lines()).toEqual(what === 'grows' ? ['history', 'late'] : ['too'])
    await tail.close()
  })

  const situations = [false, true].flatMap((isDown) =>
    [false, true].flatMap((isOld) => [3, 100, 3000].map((size) => ({ isDown, isOld, size }))),
  )
  test.each(situations)(
    'from a copy over a history file of $size bytes (down: $isDown, a registry of before: $isOld)',
    async ({ isDown, isOld, size }) => {
      using dir = tempDir()
      const { at, write, append, start } = log(dir.path)
      write('.1', `${'h'.repeat(size)}\n`)
      write('', 'live\n')
      const tail = await start()
      expect(await tail.lines()).toEqual(['live'])
      await moment(dir.path)
      append('unread\n')
      const records = structuredClone(tail.tailer.records())
      const kept = isOld ? headless(records) : records
      if (isOld) await tail.restart(kept)
      if (!isDown) await tail.pass()
      copyFileSync(at(), at('.1'))
      truncateSync(at(), 0)
      append('new\n')
      if (isDown) await tail.restart(kept)
      expect(await tail.lines()).toEqual(['unread', 'new'])
      await tail.close()
    },
  )
})

/** The disk refuses the beginning of a file once, when it has just been looked at. */
function readsOnce(path: string): Files {
  const fds = new Set<number>()
  let reads = 0
  return {
    ...nodeFiles,
    open(name) {
      const fd = nodeFiles.open(name)
      if (typeof fd === 'number' && name === path) fds.add(fd)
      return fd
    },
    readSync(fd, into, position) {
      if (fds.has(fd) && position === 0) reads += 1
      return fds.has(fd) && position === 0 && reads === 2
        ? new Fault('EIO', 'a fault of the disk')
        : nodeFiles.readSync(fd, into, position)
    },
    close(fd) {
      fds.delete(fd)
      nodeFiles.close(fd)
    },
  }
}

/** The real file system, on which archives cannot be read on before `gate`. */
function archivesWait(gate: Promise<void>): Files {
  const archives = new Set<number>()
  return {
    ...nodeFiles,
    open(path) {
      const fd = nodeFiles.open(path)
      if (typeof fd === 'number' && path.endsWith('.gz')) archives.add(fd)
      return fd
    },
    async read(fd, into, position) {
      if (archives.has(fd)) await gate
      return nodeFiles.read(fd, into, position)
    },
    close(fd) {
      archives.delete(fd)
      nodeFiles.close(fd)
    },
  }
}

describe('archives that were known before are not delivered again', () => {
  afterEach(() => void vi.useRealTimers())

  /** Names move on as logrotate's do with `rotate 5` and `compress`. */
  function rotate({ at, move, pack }: ReturnType<typeof log>): void {
    rmSync(at('.5.gz'), { force: true })
    for (const n of [4, 3, 2, 1]) if (existsSync(at(`.${n}.gz`))) move(`.${n}.gz`, `.${n + 1}.gz`)
    move('', '.1')
    pack('.1')
  }

  test('at a start after more rotations than gone files are remembered, nor when their directory is mounted late', async () => {
    using dir = tempDir()
    const directory = join(dir.path, 'log')
    mkdirSync(directory)
    const files = log(directory)
    const tail = tailRig({ dir: directory, sources: [sourceOf(files.at())] })
    const expected = Array.from({ length: 270 }, (_, n) => `line ${n}`)
    const delivered: string[] = []
    for (const line of expected) {
      files.write('', `${line}\n`)
      delivered.push(...(await tail.lines()))
      rotate(files)
      await tail.lines()
    }
    expect(delivered).toEqual(expected)
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    renameSync(directory, `${directory}.away`)
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    renameSync(`${directory}.away`, directory)
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test.each([
    ['', 0],
    ['.gz', 0],
    ['.gz', 11],
  ])('when they may not be opened after a start, however many they are (.1%s, for %i min)', async (end, minutes) => {
    using dir = tempDir()
    const { at, write, start } = log(dir.path)
    const { files, refuse, allow } = faultyFiles()
    for (let n = 300; n > 0; n -= 1) {
      write(`.${n}${end}`, `rotated ${n} ${'x'.repeat(1500)}\n`)
      utimesSync(at(`.${n}${end}`), 1e9 - n, 1e9 - n)
    }
    write('', 'live\n')
    const tail = await start({ files, sources: [sourceOf(at(), { backfill: true })] })
    expect(await tail.lines()).toHaveLength(301)
    vi.useFakeTimers({ toFake: ['performance'] })
    refuse(['open'], 'EACCES', (path) => path !== at())
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    for (let minute = 0; minute < minutes; minute += 1) {
      vi.advanceTimersByTime(60_000)
      await tail.lines()
    }
    allow()
    vi.advanceTimersByTime(60_000)
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('when one may not be opened for longer than records of files that are gone are kept', async () => {
    using dir = tempDir()
    const { at, write, start } = log(dir.path)
    const { files, refuse, allow } = faultyFiles()
    write('.1', `rotated ${BANNER}`)
    utimesSync(at('.1'), 1e8, 1e8)
    write('', 'live\n')
    const tail = await start({ files, sources: [sourceOf(at(), { backfill: true })] })
    expect(await tail.lines()).toHaveLength(2)
    refuse(['open'], 'EACCES', at('.1'))
    const longAgo = { seenAt: '1990-01-01T00:00:00.000Z' }
    await tail.restart(structuredClone(tail.tailer.records()).map((record) => ({ ...record, ...longAgo })))
    expect(await tail.lines()).toEqual([])
    await tail.restart()
    allow()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('at a start beside more of them than gone files are remembered', async () => {
    using dir = tempDir()
    const { at, write, append } = log(dir.path)
    for (let n = 300; n > 0; n -= 1) write(`.${n}.gz`, `archived ${n}\n`)
    write('', 'live\n')
    await moment(dir.path)
    const tail = tailRig({ dir: dir.path, sources: [sourceOf(at(), { backfill: true })] })
    expect(await tail.lines()).toHaveLength(301)
    append('next\n')
    await tail.restart()
    expect(await tail.lines()).toEqual(['next'])
    await tail.close()
  })

  test.each([
    ['', true],
    ['.gz', false],
  ])(
    'when their directory is gone for a while, however many they are (.1%s, restart: %s)',
    async (end, isRestarted) => {
      using dir = tempDir()
      const directory = join(dir.path, 'log')
      mkdirSync(directory)
      const { at, write, append } = log(directory)
      for (let n = 270; n > 0; n -= 1) write(`.${n}${end}`, `rotated ${n} ${'x'.repeat(1500)}\n`)
      write('', 'live\n')
      const tail = tailRig({ dir: directory, sources: [sourceOf(at(), { backfill: true })] })
      expect(await tail.lines()).toHaveLength(271)
      renameSync(directory, `${directory}.away`)
      // What is left of a volume that is not mounted.
      mkdirSync(directory)
      if (isRestarted) await tail.restart()
      expect(await tail.lines()).toEqual([])
      rmdirSync(directory)
      renameSync(`${directory}.away`, directory)
      append('next\n')
      expect(await tail.lines()).toEqual(['next'])
      await tail.close()
    },
  )

  test('where the number of their device changes and nothing tells when they were made', async () => {
    using dir = tempDir()
    const { at, write } = log(dir.path)
    let dev = '1'
    const files = onDevice(() => dev)
    for (const n of [4, 3, 2]) write(`.${n}.gz`, `history ${n} ${'x'.repeat(2000)}\n`)
    write('', `live ${'y'.repeat(2000)}\n`)
    await moment(dir.path)
    const tail = tailRig({ dir: dir.path, sources: [sourceOf(at(), { startPosition: 'end' })], files })
    expect(await tail.lines()).toEqual([])
    for (dev of ['1', '2', '3']) {
      await tail.restart()
      expect(await tail.lines()).toEqual([])
    }
    await tail.close()
  })
})

describe('a volume without birth times is mounted again, as another device, while the agent runs', () => {
  /** Three rotated files of `bytes` and a live one; `remount` is noticed when they have been `away`, or not at all before. */
  async function mounted(dir: string, { end, bytes, backfill }: { end: string; bytes: number; backfill: boolean }) {
    const directory = join(dir, 'log')
    mkdirSync(directory)
    const files = log(directory)
    const text = (n: number) => `rotated ${n} ${'x'.repeat(bytes)}\nalike\nalike\n`
    for (const n of [4, 3, 2]) files.write(`.${n}${end}`, text(n))
    files.write('', `live ${'y'.repeat(bytes)}\n`)
    await moment(directory)
    let dev = 1
    const source = sourceOf(files.at(), { backfill })
    const tail = tailRig({ dir: directory, sources: [source], files: onDevice(() => `${dev}`) })
    expect(await tail.lines()).toHaveLength(backfill ? 10 : 1)
    return {
      ...files,
      tail,
      text,
      async remount(isSeenAway: boolean, meanwhile: () => void = () => {}) {
        renameSync(directory, `${directory}.away`)
        if (isSeenAway) await tail.lines()
        dev += 1
        renameSync(`${directory}.away`, directory)
        meanwhile()
      },
    }
  }

  const volumes = ['', '.gz'].flatMap((end) =>
    [10, 3000].flatMap((bytes) => [true, false].map((backfill) => ({ end, bytes, backfill }))),
  )

  test.each(volumes)('nothing is delivered again (.2$end, $bytes bytes, backfill: $backfill)', async (volume) => {
    using dir = tempDir()
    const { at, append, remount, tail } = await mounted(dir.path, volume)
    for (const isSeenAway of [true, false]) {
      await remount(isSeenAway)
      expect(await tail.lines()).toEqual([])
    }
    append('new\n')
    if (volume.end === '') appendFileSync(at('.2'), 'late\n')
    expect((await tail.lines()).toSorted()).toEqual(volume.end === '' ? ['late', 'new'] : ['new'])
    await tail.close()
  })

  test.each(volumes)(
    'what was written meanwhile is read (.2$end, $bytes bytes, backfill: $backfill)',
    async (volume) => {
      using dir = tempDir()
      const { write, remount, text, tail } = await mounted(dir.path, volume)
      await remount(false, () => write(`.2${volume.end}`, text(2).replaceAll('alike', 'other')))
      expect((await tail.lines()).slice(-2)).toEqual(['other', 'other'])
      await tail.close()
    },
  )
})

describe('a history file that may not be opened', () => {
  afterEach(() => void vi.useRealTimers())
  const stateOf = (tail: ReturnType<typeof tailRig>) =>
    tail.tailer.view().map((view) => describeSource(view, Date.now()).state)

  test('is no error of its source', async () => {
    using dir = tempDir()
    const { at, write } = log(dir.path)
    const { files, refuse } = faultyFiles()
    write('.3', 'history\n')
    write('', 'live\n')
    await moment(dir.path)
    refuse(['open'], 'EACCES', at('.3'))
    const tail = tailRig({ dir: dir.path, sources: [sourceOf(at(), { startPosition: 'end' })], files })
    for (let look = 0; look < 5; look += 1) {
      await tail.pass()
      expect(stateOf(tail)).toEqual(['ok'])
    }
    await tail.close()
  })

  test('keeps no loss secret for good', async () => {
    using dir = tempDir()
    const { at, write } = log(dir.path)
    const { files, refuse } = faultyFiles()
    const lost: unknown[] = []
    const errors = { ...silentLog, error: ({ bytes }: { readonly bytes?: unknown }) => void lost.push(bytes) }
    write('.9', 'history\n')
    write('', 'unread\n')
    await moment(dir.path)
    vi.useFakeTimers({ toFake: ['performance'] })
    refuse(['open'], 'EACCES', at('.9'))
    const tail = tailRig({ dir: dir.path, sources: [sourceOf(at())], files, log: errors })
    const looks = async () => {
      for (let look = 0; look < 5; look += 1) await tail.pass()
    }
    await looks()
    rmSync(at())
    write('', 'another\n')
    await tail.restart()
    await looks()
    expect(lost).toEqual([])
    vi.advanceTimersByTime(DAY_MS)
    await looks()
    expect([lost, stateOf(tail)]).toEqual([[7], ['ok']])
    await tail.close()
  })
})
