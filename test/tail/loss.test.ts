import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { LogFields } from '../../src/log.ts'
import { Fault, type Files, nodeFiles } from '../../src/tail/file/files.ts'
import { birthless, faultyFiles } from '../support/faulty-files.ts'
import { type RigOptions, silentLog, sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

/** A log in a directory of its own, which can be taken away, and what is said of bytes: reported gone, taken back. */
function rig(dir: string, more: Partial<RigOptions> & { readonly pattern?: string } = {}) {
  const home = join(dir, 'log')
  const live = join(home, 'audit.log')
  const gone: unknown[] = []
  const takenBack: unknown[] = []
  const log = {
    ...silentLog,
    error: ({ bytes }: LogFields) => void gone.push(bytes),
    warn: ({ bytes }: LogFields) => void (bytes === undefined || takenBack.push(bytes)),
  }
  const { pattern = 'audit.log', ...options } = more
  const tail = tailRig({ dir, log, sources: [sourceOf(join(home, pattern))], ...options })
  mkdirSync(home)
  return {
    live,
    gone,
    takenBack,
    tail,
    rotated: (n: number) => join(home, `audit-2026-11-20T14-33-4${n}.420.log`),
    append: (text: string) => appendFileSync(live, text),
    takeAway: () => renameSync(home, `${home}-away`),
    bringBack: () => renameSync(`${home}-away`, home),
    looks: async (count: number) => {
      for (let look = 0; look < count; look += 1) await tail.pass()
    },
  }
}

test('no loss is reported when a rotated file could not be read before it was packed', async () => {
  using dir = tempDir()
  const faulty = faultyFiles()
  const { live, gone, tail, append, rotated, looks } = rig(dir.path, { files: birthless(faulty.files) })
  const pack = (path: string) => {
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)))
    rmSync(path)
  }
  append('a\n')
  await looks(1)
  copyFileSync(live, rotated(1))
  truncateSync(live)
  await looks(1)
  renameSync(live, rotated(2))
  faulty.refuse(['read', 'readSync'], 'EIO')
  appendFileSync(rotated(2), 'b\n')
  pack(rotated(1))
  await looks(1)
  pack(rotated(2))
  await tail.restart()
  faulty.allow()
  expect(await tail.lines()).toEqual(['a', 'b'])
  await looks(3)
  expect(gone).toEqual([])
  await tail.close()
})

test('no loss is reported when a copy is first seen while it is made', async () => {
  using dir = tempDir()
  const copy = join(dir.path, 'log', 'audit-2026-11-20T14-33-41.420.log')
  const files: Files = {
    ...nodeFiles,
    stat(path) {
      const facts = nodeFiles.stat(path)
      return path === copy && !(facts instanceof Fault) ? { ...facts, size: 0 } : facts
    },
  }
  const { live, gone, tail, append, looks } = rig(dir.path, { files })
  append('a\n')
  expect(await tail.lines()).toEqual(['a'])
  append('b\n')
  await looks(1)
  copyFileSync(live, copy)
  truncateSync(live)
  expect(await tail.lines()).toEqual(['b'])
  expect(gone).toEqual([])
  await tail.close()
})

test('no loss is reported when a file could not be read before it was copied and truncated', async () => {
  using dir = tempDir()
  const faulty = faultyFiles()
  const { live, gone, tail, append, rotated, looks } = rig(dir.path, { files: birthless(faulty.files) })
  append('a\n')
  expect(await tail.lines()).toEqual(['a'])
  copyFileSync(live, rotated(1))
  truncateSync(live)
  await looks(1)
  faulty.refuse(['read', 'readSync'], 'EIO')
  append('unread\n')
  await looks(1)
  copyFileSync(live, rotated(2))
  await tail.restart()
  truncateSync(live)
  renameSync(live, rotated(3))
  faulty.allow()
  expect(await tail.lines()).toEqual(['unread'])
  await looks(3)
  expect(gone).toEqual([])
  await tail.close()
})

describe('unread bytes that are gone are reported once:', () => {
  test('truncated without a copy', async () => {
    using dir = tempDir()
    const { live, gone, tail, append, looks } = rig(dir.path)
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    append('unread\n')
    await looks(1)
    truncateSync(live)
    append('b\n')
    expect(await tail.lines()).toEqual(['b'])
    await looks(3)
    expect(gone).toEqual([7])
    await tail.close()
  })

  test('deleted while the agent was down', async () => {
    using dir = tempDir()
    const { live, gone, tail, append, rotated, looks } = rig(dir.path)
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    append('unread\n')
    renameSync(live, rotated(1))
    append('b\n')
    await looks(1)
    rmSync(rotated(1))
    await tail.restart()
    expect(await tail.lines()).toEqual(['b'])
    await looks(3)
    expect(gone).toEqual([7])
    await tail.close()
  })

  test('deleted while the agent was down, where only a pattern means them', async () => {
    using dir = tempDir()
    const { files, refuse, allow } = faultyFiles()
    const { live, gone, tail, append, looks } = rig(dir.path, { pattern: '*.log', files })
    const other = join(live, '..', 'other.log')
    append('unread\n')
    writeFileSync(other, 'only rotated\n')
    await looks(1)
    rmSync(live)
    renameSync(other, `${other}.1`)
    refuse(['list'], 'EACCES')
    await tail.restart()
    await looks(3)
    expect(gone).toEqual([])
    allow()
    await looks(3)
    expect(gone).toEqual([7])
    writeFileSync(other, '')
    expect(await tail.lines()).toEqual(['only rotated'])
    await tail.close()
  })

  test('deleted while closed, before a destination has asked for them', async () => {
    using dir = tempDir()
    const { live, gone, tail, append, rotated, looks } = rig(dir.path, { openFilesLimit: 1 })
    append('a\n')
    await looks(1)
    renameSync(live, rotated(1))
    append('unread\n')
    renameSync(live, rotated(2))
    await looks(1)
    rmSync(rotated(2))
    await looks(6)
    expect(gone).toEqual([7])
    expect(await tail.lines()).toEqual(['a'])
    expect(gone).toEqual([7])
    await tail.close()
  })

  test('in a directory that is removed, which is let go of then', async () => {
    using dir = tempDir()
    const { live, gone, tail, append, rotated, takeAway, looks } = rig(dir.path, {
      pattern: '*.log',
      openFilesLimit: 1,
      goneMs: 0,
    })
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    renameSync(live, rotated(1))
    writeFileSync(join(live, '..', 'other.log'), 'held\n')
    await looks(1)
    writeFileSync(rotated(2), 'unread\n')
    await looks(1)
    takeAway()
    expect(await tail.lines()).toEqual(['held'])
    await looks(6)
    expect(tail.tailer.view().flatMap(({ lineages }) => lineages)).toEqual([])
    expect(gone).toEqual([7])
    await tail.close()
  })
})

test('no loss is reported when copies of files that begin alike are found together after a restart', async () => {
  using dir = tempDir()
  const { files, refuse, allow } = faultyFiles()
  const { live, gone, tail, append, rotated, looks } = rig(dir.path, { files: birthless(files) })
  const banner = '#'.repeat(1500)
  append(`${banner}\nthe longer one\n`)
  await looks(1)
  copyFileSync(live, rotated(1))
  truncateSync(live)
  append(`${banner}\nshort\n`)
  refuse(['list'], 'EIO')
  await looks(1)
  copyFileSync(live, rotated(2))
  truncateSync(live)
  await tail.restart()
  allow()
  expect((await tail.lines()).sort()).toEqual([banner, banner, 'short', 'the longer one'])
  await looks(3)
  expect(gone).toEqual([])
  await tail.close()
})

test('no loss is reported when a live file that was not held open is copied, truncated and renamed at once', async () => {
  using dir = tempDir()
  const { live, gone, tail, append, rotated, looks } = rig(dir.path, { openFilesLimit: 1 })
  append('a\n')
  await looks(1)
  renameSync(live, rotated(1))
  append('b\n')
  await looks(1)
  copyFileSync(live, rotated(2))
  truncateSync(live)
  renameSync(live, rotated(3))
  expect(await tail.lines()).toEqual(['a', 'b'])
  await looks(3)
  expect(gone).toEqual([])
  await tail.close()
})

test('no loss is reported when a live file that was closed for others is renamed and packed at once', async () => {
  using dir = tempDir()
  const { live, gone, tail, append, rotated, looks } = rig(dir.path, { pattern: '*.log', openFilesLimit: 1 })
  append('a')
  expect(await tail.lines()).toEqual([])
  writeFileSync(join(live, '..', 'other.log'), 'held\n')
  await looks(1)
  renameSync(live, rotated(1))
  writeFileSync(`${rotated(1)}.gz`, gzipSync(readFileSync(rotated(1))))
  rmSync(rotated(1))
  await looks(1)
  expect((await tail.lines()).sort()).toEqual(['a', 'held'])
  await looks(3)
  expect(gone).toEqual([])
  await tail.close()
})

test.each([10, 1500])(
  'of two files that hold the same both are read, though one was packed while the agent was down (%i bytes)',
  async (length) => {
    using dir = tempDir()
    const { live, gone, tail, append, rotated, looks } = rig(dir.path)
    const line = '#'.repeat(length)
    append(`${line}\n`)
    await looks(1)
    renameSync(live, rotated(1))
    append(`${line}\n`)
    await looks(1)
    writeFileSync(`${rotated(1)}.gz`, gzipSync(readFileSync(rotated(1))))
    rmSync(rotated(1))
    await tail.restart()
    expect(await tail.lines()).toEqual([line, line])
    await looks(3)
    expect(gone).toEqual([])
    await tail.close()
  },
)

test('no loss is reported when a renamed file begins as what was read and truncated does', async () => {
  using dir = tempDir()
  const { files, refuse, allow } = faultyFiles()
  const { live, gone, tail, append, rotated, looks } = rig(dir.path, { files: birthless(files) })
  append('banner\nunread\n')
  await looks(1)
  renameSync(live, rotated(1))
  refuse(['list'], 'EIO')
  append('banner\n')
  await looks(1)
  await tail.restart()
  expect(await tail.lines()).toEqual(['banner'])
  truncateSync(live)
  appendFileSync(rotated(1), 'late\n')
  allow()
  expect(await tail.lines()).toEqual(['banner', 'unread', 'late'])
  await looks(3)
  expect(gone).toEqual([])
  await tail.close()
})

test('no loss is reported when a copy begins as what was begun and packed does', async () => {
  using dir = tempDir()
  const { live, gone, tail, append, rotated, looks } = rig(dir.path, { files: birthless(nodeFiles) })
  const banner = '#'.repeat(1500)
  append(`${banner}\nfirst`)
  expect(await tail.lines()).toEqual([banner])
  renameSync(live, rotated(1))
  append(`${banner}\nsecond\n`)
  await looks(1)
  writeFileSync(`${rotated(1)}.gz`, gzipSync(readFileSync(rotated(1))))
  rmSync(rotated(1))
  copyFileSync(live, rotated(2))
  truncateSync(live)
  await tail.restart()
  expect((await tail.lines()).sort()).toEqual([banner, 'first', 'second'])
  await looks(3)
  expect(gone).toEqual([])
  await tail.close()
})

/** Unread generations: rotated, packed and live, of which no more than `openFilesLimit` are held open. */
async function unread(dir: string, options: { readonly pattern: string; readonly openFilesLimit: number }) {
  const rigged = rig(dir, options)
  const { append, live, looks, rotated, tail } = rigged
  append('a\n')
  expect(await tail.lines()).toEqual(['a'])
  for (const [index, line] of ['in 1', 'in 22', 'in 333'].entries()) {
    append(`${line}\n`)
    renameSync(live, rotated(index))
    await looks(1)
  }
  writeFileSync(`${rotated(1)}.gz`, gzipSync(readFileSync(rotated(1))))
  rmSync(rotated(1))
  append('live\n')
  await looks(1)
  return rigged
}

test('what was reported as gone is taken back when it is found beside another live file', async () => {
  using dir = tempDir()
  const { live, gone, takenBack, tail, append, looks } = rig(dir.path, { pattern: '*.log' })
  const other = join(dir.path, 'log', 'other.log')
  const away = join(dir.path, 'away')
  const missing = () => tail.tailer.view().flatMap((source) => [...source.gone])
  append('one\n')
  writeFileSync(other, 'other\n')
  expect((await tail.lines()).toSorted()).toEqual(['one', 'other'])
  append('two\n')
  await looks(1)
  renameSync(live, away)
  await tail.restart()
  await looks(2)
  expect([gone, takenBack, missing().length]).toEqual([[4], [], 1])
  renameSync(away, `${other}.1`)
  expect(await tail.lines()).toEqual(['two'])
  expect([gone, takenBack, missing()]).toEqual([[4], [4], []])
  await tail.close()
})

describe.each(['audit.log', '*.log'])('a directory that is gone for a while (%s)', (pattern) => {
  const all = ['in 1', 'in 22', 'in 333', 'live', 'more']

  test('is read on when it returns, and what was reported as gone is taken back', async () => {
    using dir = tempDir()
    const { tail, gone, takenBack, append, takeAway, bringBack, looks } = await unread(dir.path, {
      pattern,
      openFilesLimit: 1,
    })
    takeAway()
    const held = await tail.lines()
    await looks(3)
    expect(held).toEqual(['in 1'])
    expect(gone).toEqual([6, 7, 5])
    bringBack()
    append('more\n')
    expect([...held, ...(await tail.lines())].sort()).toEqual(all)
    expect(await tail.lines()).toEqual([])
    expect(takenBack).toHaveLength(gone.length)
    await tail.close()
  })

  test('is read on when it returns after a restart', async () => {
    using dir = tempDir()
    const { tail, gone, takenBack, append, takeAway, bringBack, looks } = await unread(dir.path, {
      pattern,
      openFilesLimit: 100,
    })
    takeAway()
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await looks(3)
    expect(gone.toSorted()).toEqual([5, 5, 6, 7])
    bringBack()
    append('more\n')
    // The look after the one that has told what is in the archive puts it where it belongs.
    await looks(1)
    expect(await tail.lines()).toEqual(all)
    expect(await tail.lines()).toEqual([])
    expect(takenBack).toHaveLength(gone.length)
    await tail.close()
  })
})
