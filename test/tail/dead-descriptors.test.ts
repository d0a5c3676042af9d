import { randomBytes } from 'node:crypto'
import { appendFileSync, copyFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NEWLINE } from '../../src/chunk.ts'
import type { LogFields } from '../../src/log.ts'
import { Fault, type Files, nodeFiles } from '../../src/tail/file/files.ts'
import { mortalFiles } from '../support/mortal-files.ts'
import { type RigOptions, silentLog, sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

const MINUTE_MS = 60_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

function rig(dir: string, files: Files, more: Partial<RigOptions> = {}) {
  const live = join(dir, 'audit.log')
  const gone: unknown[] = []
  const log = { ...silentLog, error: ({ bytes }: LogFields) => void gone.push(bytes) }
  const tail = tailRig({ dir, files, log, ...more })
  return {
    live,
    gone,
    tail,
    append: (text: string) => appendFileSync(live, text),
    rotate: () => renameSync(live, `${live}.1`),
    /** So many looks, at each of which all is read that can be. */
    read: async (looks: number) => {
      const lines: string[] = []
      for (let look = 0; look < looks; look += 1) lines.push(...(await tail.read()).flatMap((taken) => taken.lines))
      return lines
    },
    faults: () =>
      tail.tailer
        .view()
        .flatMap(({ lineages }) =>
          lineages.flatMap(({ livePath, generations }) => [
            livePath.error,
            ...generations.reading.map(({ fault }) => fault?.code),
          ]),
        )
        .filter((fault) => fault !== undefined),
  }
}

describe.each(['ESTALE', 'ENOTCONN', 'EIO'])('a descriptor that dies with %s', (code) => {
  test('gives way to a new one of its file, and each line is read once', async () => {
    using dir = tempDir()
    const disk = mortalFiles()
    const { gone, tail, append, rotate, faults } = rig(dir.path, disk.files)
    append('a\nb')
    expect(await tail.lines()).toEqual(['a'])
    disk.remount(code)
    append('b\nc\n')
    expect(await tail.lines()).toEqual(['bb', 'c'])
    append('d\n')
    disk.remount(code)
    rotate()
    append('e\n')
    expect(await tail.lines()).toEqual(['d', 'e'])
    expect(await tail.lines()).toEqual([])
    expect([gone, faults(), tail.tailer.openFiles, disk.open]).toEqual([[], [], 1, 1])
    await tail.close()
  })

  test('gives way where all was written that is still to be read', async () => {
    using dir = tempDir()
    const disk = mortalFiles()
    const { tail, append } = rig(dir.path, disk.files)
    append('a\nb\n')
    const chunk = await tail.read({ roomBytes: 2, settle: false })
    expect(chunk.flatMap(({ lines }) => lines)).toEqual(['a', 'b'])
    append('c\n')
    await tail.pass()
    disk.remount(code)
    expect(await tail.lines()).toEqual(['c'])
    await tail.close()
  })

  test('gives way also of an archive that is half read', async () => {
    using dir = tempDir()
    const disk = mortalFiles()
    const source = sourceOf(join(dir.path, 'audit.log'), { backfill: true })
    const { live, tail } = rig(dir.path, disk.files, { sources: [source] })
    writeFileSync(live, 'x\n')
    const lines = Array.from({ length: 2000 }, () => randomBytes(250).toString('hex'))
    writeFileSync(`${live}.1.gz`, gzipSync(`${lines.join('\n')}\n`))
    for (let look = 0; look < 2; look += 1) await tail.pass()
    const room = Buffer.alloc(501)
    const chunk = await tail.tailer.feed('main').read(room)
    chunk?.take(501).settle({ deadLetteredBytes: 0, truncatedBytes: 0 })
    chunk?.leave('unread')
    disk.remount(code)
    const rest = await tail.lines()
    expect([room.toString('latin1', 0, 500), ...rest].filter((line) => line !== 'x')).toEqual(lines)
    await tail.close()
  })

  test('leaves the proof to the content: what is another file by now is read from its beginning', async () => {
    using dir = tempDir()
    const disk = mortalFiles({ hasBirth: false })
    const { live, tail, append } = rig(dir.path, disk.files)
    append('first\nsecond\n')
    expect(await tail.lines()).toEqual(['first', 'second'])
    disk.remount(code)
    writeFileSync(live, 'other\nlines\nthan before\n')
    expect(await tail.lines()).toEqual(['other', 'lines', 'than before'])
    await tail.close()
  })

  test('does not hide that its file was copied and truncated: the copy is read, and nothing reported as gone', async () => {
    using dir = tempDir()
    const disk = mortalFiles({ hasBirth: false })
    const { live, gone, tail, append, rotate } = rig(dir.path, disk.files)
    append('a\n')
    await tail.pass()
    copyFileSync(live, `${live}.2`)
    disk.remount(code)
    truncateSync(live)
    rotate()
    appendFileSync(`${live}.1`, 'later\n')
    expect(await tail.lines()).toEqual(['a', 'later'])
    for (let look = 0; look < 5; look += 1) await tail.pass()
    expect(gone).toEqual([])
    await tail.close()
  })

  test('is closed when the read through it is over, not before', async () => {
    using dir = tempDir()
    const disk = mortalFiles()
    const returned = Promise.withResolvers<void>()
    let isSlow = false
    const files: Files = {
      ...disk.files,
      async read(fd, into, position) {
        if (isSlow) await returned.promise
        return disk.files.read(fd, into, position)
      },
    }
    const { tail, append } = rig(dir.path, files, { destinations: ['main', 'other'] })
    append('a\n')
    await tail.pass()
    isSlow = true
    const reading = tail.tailer.feed('other').read(Buffer.alloc(100))
    isSlow = false
    disk.remount(code)
    append('b\n')
    expect(await tail.lines()).toEqual(['a', 'b'])
    expect([tail.tailer.openFiles, disk.open]).toEqual([1, 2])
    // No more of them pile up behind a read that does not end.
    disk.remount(code)
    append('c\n')
    expect(await tail.lines()).toEqual([])
    expect([tail.tailer.openFiles, disk.open]).toEqual([1, 2])
    returned.resolve()
    expect(await reading).toBeUndefined()
    expect(disk.open).toBe(1)
    expect(await tail.lines()).toEqual(['c'])
    expect(await tail.lines('other')).toEqual(['a', 'b', 'c'])
    expect(disk.open).toBe(1)
    await tail.close()
  })
})

describe('on another device, without birth times,', () => {
  test.each(['ESTALE', 'ENOTCONN'])('files are known by their content after %s', async (code) => {
    using dir = tempDir()
    const disk = mortalFiles({ hasBirth: false, newDevice: true })
    const { gone, tail, append, rotate, faults } = rig(dir.path, disk.files)
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    append('b\n')
    rotate()
    append('c\n')
    await tail.pass()
    disk.remount(code)
    append('d\n')
    expect(await tail.lines()).toEqual(['b', 'c', 'd'])
    expect(await tail.lines()).toEqual([])
    expect([gone, faults(), tail.tailer.openFiles, disk.open]).toEqual([[], [], 1, 1])
    await tail.close()
  })

  test('so they are after ten minutes of EIO, which might have passed', async () => {
    using dir = tempDir()
    const disk = mortalFiles({ hasBirth: false, newDevice: true })
    const { gone, tail, append, read } = rig(dir.path, disk.files)
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    disk.remount('EIO')
    append('b\n')
    expect(await read(5)).toEqual([])
    vi.advanceTimersByTime(10 * MINUTE_MS)
    expect(await read(5)).toEqual(['b'])
    expect(gone).toEqual([])
    await tail.close()
  })
})

describe('of a rotated file that is deleted unread', () => {
  const unread = async (dir: string, disk: ReturnType<typeof mortalFiles>) => {
    const log = rig(dir, disk.files)
    log.append('a\n')
    expect(await log.tail.lines()).toEqual(['a'])
    log.append('unread\n')
    log.rotate()
    log.append('b\n')
    await log.tail.pass()
    expect(log.tail.tailer.openFiles).toBe(2)
    rmSync(`${log.live}.1`)
    return log
  }

  test.each(['ESTALE', 'ENOTCONN'])('%s lets go, and the loss is reported', async (code) => {
    using dir = tempDir()
    const disk = mortalFiles()
    const { gone, tail, read } = await unread(dir.path, disk)
    disk.remount(code)
    expect(await read(10)).toEqual(['b'])
    expect([gone, tail.tailer.openFiles, disk.open]).toEqual([[7], 1, 1])
    await tail.close()
  })

  test('EIO lets go after ten minutes', async () => {
    using dir = tempDir()
    const disk = mortalFiles()
    const { gone, tail, read } = await unread(dir.path, disk)
    disk.remount('EIO')
    await read(10)
    vi.advanceTimersByTime(9 * MINUTE_MS)
    await read(10)
    expect([gone, tail.tailer.openFiles]).toEqual([[], 2])
    vi.advanceTimersByTime(MINUTE_MS)
    await read(10)
    expect([gone, tail.tailer.openFiles, disk.open]).toEqual([[7], 1, 1])
    await tail.close()
  })

  test('EIO that passes loses nothing, also when nobody reads for long and it comes again', async () => {
    using dir = tempDir()
    const disk = mortalFiles()
    const { gone, tail, read } = await unread(dir.path, disk)
    disk.remount('EIO')
    const meanwhile = await read(10)
    disk.recover()
    for (let minute = 0; minute < 30; minute += 1) {
      vi.advanceTimersByTime(MINUTE_MS)
      await tail.pass()
    }
    disk.remount('EIO')
    meanwhile.push(...(await read(10)))
    disk.recover()
    expect([...meanwhile, ...(await tail.lines())].sort()).toEqual(['b', 'unread'])
    expect(gone).toEqual([])
    await tail.close()
  })

  test('nothing is let go of while its directory cannot be looked at either', async () => {
    using dir = tempDir()
    const disk = mortalFiles()
    const { gone, tail, read } = await unread(dir.path, disk)
    disk.remount('EIO')
    disk.refusePaths(true)
    for (let minute = 0; minute < 30; minute += 1) {
      vi.advanceTimersByTime(MINUTE_MS)
      await read(1)
    }
    disk.refusePaths(false)
    disk.recover()
    expect(await tail.lines()).toEqual(['unread', 'b'])
    expect(gone).toEqual([])
    await tail.close()
  })
})

describe('where a disk cannot be read at one place', () => {
  /** Refuses what lies behind `from`, once there is such a place. */
  function scarred() {
    const bad = { from: Number.POSITIVE_INFINITY, begun: 0 }
    const refusal = new Fault('EIO', 'EIO: a bad sector')
    const files: Files = {
      ...nodeFiles,
      async read(fd, into, position) {
        if (position >= bad.from) return refusal
        if (position === 0) bad.begun += 1
        return nodeFiles.read(fd, into.subarray(0, bad.from - position), position)
      },
      readSync: (fd, into, position) => (position >= bad.from ? refusal : nodeFiles.readSync(fd, into, position)),
    }
    return { bad, files }
  }

  test('a deleted file is kept for a destination that has not come so far, however long the other is stuck', async () => {
    using dir = tempDir()
    const { bad, files } = scarred()
    const destinations = ['main', 'behind']
    const { live, gone, tail, append, read } = rig(dir.path, files, { destinations, deletedQuietMs: 1e9 })
    append('first\n'.repeat(2000))
    await tail.pass()
    bad.from = 6000
    rmSync(live)
    append('next\n')
    await read(10)
    for (let minute = 0; minute < 12; minute += 1) {
      vi.advanceTimersByTime(MINUTE_MS)
      await read(2)
    }
    expect((await tail.lines('behind')).filter((line) => line === 'first')).toHaveLength(1000)
    // Now both are stuck.
    for (let minute = 0; minute < 12; minute += 1) {
      vi.advanceTimersByTime(MINUTE_MS)
      await read(2)
      await tail.lines('behind')
    }
    expect([gone, tail.tailer.openFiles]).toEqual([[6000], 1])
    await tail.close()
  })

  test('an archive is inflated once for each destination that gets on', async () => {
    using dir = tempDir()
    const { bad, files } = scarred()
    const source = sourceOf(join(dir.path, 'audit.log'), { backfill: true })
    const { live, tail } = rig(dir.path, files, { sources: [source], destinations: ['stuck', 'other'] })
    writeFileSync(live, 'x\n')
    const archive = gzipSync(Array.from({ length: 20_000 }, () => `${randomBytes(75).toString('hex')}\n`).join(''))
    writeFileSync(`${live}.1.gz`, archive)
    for (let look = 0; look < 2; look += 1) await tail.pass()
    bad.from = archive.length - 200_000
    let begun = 0
    let taken = 0
    for (let look = 0; look < 20; look += 1) {
      await tail.lines('stuck')
      const room = Buffer.alloc(65_536)
      const before = bad.begun
      const chunk = await tail.tailer.feed('other').read(room)
      begun += bad.begun - before
      const end = room.lastIndexOf(NEWLINE) + 1
      chunk?.take(end).settle({ deadLetteredBytes: 0, truncatedBytes: 0 })
      chunk?.leave('unread')
      taken += end
    }
    expect(taken).toBeGreaterThan(1_000_000)
    expect(begun).toBe(1)
    await tail.close()
  })
})
