import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Files, nodeFiles } from '../../src/tail/file/files.ts'
import { birthless } from '../support/faulty-files.ts'
import { moment } from '../support/moment.ts'
import { silentLog, sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

const stamp = (n: number) => `2026-11-20T14-33-4${n}.420`

function rig(dir: string, more = {}) {
  const at = (name: string) => join(dir, name)
  return {
    at,
    live: at('audit.log'),
    append: (text: string, name = 'audit.log') => appendFileSync(at(name), text),
    rotate: (n: number) => renameSync(at('audit.log'), at(`audit-${stamp(n)}.log`)),
    tail: tailRig({ dir, ...more }),
  }
}

describe('rename rotation', () => {
  test('reads the rotated file to its end, then the new one', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    append('a\nb\n')
    expect(await tail.lines()).toEqual(['a', 'b'])
    append('c\n')
    rotate(1)
    append('d\n')
    expect(await tail.lines()).toEqual(['c', 'd'])
    await tail.close()
  })

  test('reads late writes to the renamed file', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    append('a\n')
    await tail.lines()
    rotate(1)
    append('b\n')
    expect(await tail.lines()).toEqual(['b'])
    append('late\n', `audit-${stamp(1)}.log`)
    expect(await tail.lines()).toEqual(['late'])
    await tail.close()
  })

  test('goes on behind a batch that is not settled, and reads only the rest of its generation again after a restart', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    append('stuck\n')
    await tail.read({ settle: false })
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    rotate(1)
    append('b\n')
    expect(await tail.lines()).toEqual(['b'])
    await tail.restart()
    expect(await tail.lines()).toEqual(['stuck', 'a'])
    await tail.close()
  })

  test('forgets what was read and deleted long ago', async () => {
    using dir = tempDir()
    const { append, at, tail } = rig(dir.path, { finalQuietMs: 0 })
    for (let number = 100; number < 500; number += 1) {
      append(`line ${number}\n`)
      expect(await tail.lines()).toEqual([`line ${number}`])
      const rotated = at(`audit-2026-11-20T14-33-45.${number}.log`)
      renameSync(at('audit.log'), rotated)
      await tail.lines()
      rmSync(rotated)
      await tail.lines()
    }
    await tail.lines()
    expect(tail.tailer.records().length).toBeLessThan(270)
    await tail.close()
  })

  test('finds generations that were rotated between two looks', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    append('a\n')
    await tail.lines()
    for (const n of [1, 2, 3]) {
      append(`in ${n}\n`)
      rotate(n)
    }
    append('live\n')
    expect(await tail.lines()).toEqual(['in 1', 'in 2', 'in 3', 'live'])
    await tail.close()
  })

  test('knows their order also while there is no live file', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    append('a\n')
    await tail.lines()
    append('b\n')
    rotate(1)
    append('c\n')
    rotate(2)
    expect(await tail.lines()).toEqual(['b', 'c'])
    await tail.close()
  })

  test('finds generations that were rotated while the agent was down', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    append('a\nb\n')
    await tail.lines()
    append('c\n')
    rotate(1)
    append('d\n')
    rotate(2)
    append('e\n')
    await tail.restart()
    expect(await tail.lines()).toEqual(['c', 'd', 'e'])
    await tail.close()
  })

  test('keeps reading a file that was deleted before it was read', async () => {
    using dir = tempDir()
    const { append, rotate, tail, at } = rig(dir.path)
    append('a\n')
    await tail.lines()
    append('b\n')
    rotate(1)
    append('c\n')
    await tail.pass()
    rmSync(at(`audit-${stamp(1)}.log`))
    expect(await tail.lines()).toEqual(['b', 'c'])
    await tail.close()
  })

  test.each([false, true])(
    'reads what is written to a deleted file until a new one is written to (a new one, empty: %s)',
    async (isCreated) => {
      using dir = tempDir()
      const { append, live, tail } = rig(dir.path, { deletedQuietMs: 1e12 })
      append('a\n')
      await tail.lines()
      const writer = openSync(live, 'a')
      rmSync(live)
      if (isCreated) append('')
      expect(await tail.lines()).toEqual([])
      writeSync(writer, 'b\n')
      expect(await tail.lines()).toEqual(['b'])
      closeSync(writer)
      append('c\n')
      expect(await tail.lines()).toEqual(['c'])
      expect(tail.tailer.openFiles).toBe(1)
      await tail.close()
    },
  )

  test('follows numbered names, which move on at every rotation', async () => {
    using dir = tempDir()
    const { append, tail, at } = rig(dir.path)
    append('a\n')
    await tail.lines()
    append('b\n')
    renameSync(at('audit.log'), at('audit.log.1'))
    append('c\n')
    renameSync(at('audit.log.1'), at('audit.log.2'))
    renameSync(at('audit.log'), at('audit.log.1'))
    append('d\n')
    await tail.restart()
    expect(await tail.lines()).toEqual(['b', 'c', 'd'])
    await tail.close()
  })

  test('does not read history at a first start, and does with backfill', async () => {
    using dir = tempDir()
    writeFileSync(join(dir.path, `audit-${stamp(1)}.log`), 'old\n')
    writeFileSync(join(dir.path, 'audit.log'), 'new\n')
    const plain = tailRig({ dir: dir.path })
    expect(await plain.lines()).toEqual(['new'])
    await plain.close()
    const filled = tailRig({ dir: dir.path, sources: [sourceOf(join(dir.path, 'audit.log'), { backfill: true })] })
    expect(await filled.lines()).toEqual(['old', 'new'])
    await filled.close()
  })

  test('delivers a last line without newline once the rotated file is quiet, never while it is live', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    append('a\ntorn')
    expect(await tail.lines()).toEqual(['a'])
    rotate(1)
    append('b\n')
    expect((await tail.lines()).toSorted()).toEqual(['b', 'torn'])
    await tail.close()
  })

  test('delivers a last line without newline also when the file fills the room exactly', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    await tail.lines()
    append(`${'a'.repeat(4091)}\nlast`)
    rotate(1)
    append('new\n')
    expect(await tail.lines()).toEqual(['a'.repeat(4091), 'last', 'new'])
    expect(tail.tailer.records()).toContainEqual(expect.objectContaining({ size: 4096, finished: true }))
    await tail.close()
  })

  test('does not offer over and over a last line that fills the room and of which nothing is taken', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    await tail.lines()
    append('b'.repeat(4096))
    rotate(1)
    await tail.pass()
    const feed = tail.tailer.feed('main')
    const chunk = await feed.read(Buffer.alloc(4096))
    expect(chunk?.length).toBe(4096)
    chunk?.leave('partial')
    expect(await feed.read(Buffer.alloc(4096))).toBeUndefined()
    await tail.close()
  })

  test('takes nothing for a last line that has come since the rotated file was quiet', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    append('a\n')
    await tail.pass()
    rotate(1)
    await tail.pass()
    append('part of', `audit-${stamp(1)}.log`)
    const room = Buffer.alloc(100)
    const chunk = await tail.tailer.feed('main').read(room)
    expect(room.toString('latin1', 0, chunk?.length)).toBe('a\npart of')
    chunk?.leave('partial')
    append(' a line\n', `audit-${stamp(1)}.log`)
    expect(await tail.lines()).toEqual(['a', 'part of a line'])
    await tail.close()
  })

  test('takes nothing for a last long line that has come since the rotated file was quiet', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path)
    append('a part')
    await tail.pass()
    rotate(1)
    await tail.pass()
    const chunk = await tail.tailer.feed('main').read(Buffer.alloc(4))
    append(' of', `audit-${stamp(1)}.log`)
    expect(await chunk?.lineFrom(0)).toEqual({ kind: 'partial' })
    chunk?.leave('partial')
    append(' a line\n', `audit-${stamp(1)}.log`)
    expect(await tail.lines()).toEqual(['a part of a line'])
    await tail.close()
  })

  test('reads a pattern that also matches rotated names once', async () => {
    using dir = tempDir()
    const { append, rotate, tail } = rig(dir.path, { sources: [sourceOf(join(dir.path, 'audit*.log'))] })
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    rotate(1)
    expect(await tail.lines()).toEqual([])
    append('b\n')
    expect(await tail.lines()).toEqual(['b'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })
})

describe('copytruncate', () => {
  test('starts over when the file is shorter than the position', async () => {
    using dir = tempDir()
    const { append, live, tail } = rig(dir.path)
    append('aaaa\nbbbb\n')
    await tail.lines()
    truncateSync(live)
    append('c\n')
    expect(await tail.lines()).toEqual(['c'])
    await tail.close()
  })

  test('starts over when the file has grown past the position again', async () => {
    using dir = tempDir()
    const { append, live, tail } = rig(dir.path)
    append('aaaa\n')
    await tail.lines()
    truncateSync(live)
    append('cccc\ndddd\neeee\n')
    expect(await tail.lines()).toEqual(['cccc', 'dddd', 'eeee'])
    await tail.close()
  })

  test('starts over when the file has grown to exactly the position again', async () => {
    using dir = tempDir()
    const { append, live, tail } = rig(dir.path)
    append('aaaa\n')
    await tail.lines()
    truncateSync(live)
    append('cccc\n')
    expect(await tail.lines()).toEqual(['cccc'])
    await tail.close()
  })

  test.each([false, true])(
    'reads the rest from the copy, which it does not read twice (restart: %s)',
    async (restart) => {
      using dir = tempDir()
      const { append, live, at, tail } = rig(dir.path)
      append('a\nb\n')
      await tail.lines()
      append('unread\n')
      copyFileSync(live, at('audit.log.1'))
      truncateSync(live)
      append('new 1\nnew 2\nnew 3\n')
      if (restart) await tail.restart()
      expect((await tail.lines()).toSorted()).toEqual(['new 1', 'new 2', 'new 3', 'unread'])
      await tail.close()
    },
  )

  test('reads a copy of what is unread though an older file begins just so', async () => {
    using dir = tempDir()
    const { append, live, at, tail } = rig(dir.path)
    const banner = '#'.repeat(1500)
    append(`${banner}\na\n`)
    expect(await tail.lines()).toEqual([banner, 'a'])
    renameSync(live, at('audit.log.2'))
    append(`${banner}\n`)
    await tail.pass()
    copyFileSync(live, at('audit.log.1'))
    truncateSync(live)
    append('b\n')
    expect((await tail.lines()).toSorted()).toEqual([banner, 'b'])
    await tail.close()
  })

  test('reads a copy of what is unread though a file that is longer, deleted and still open begins just so', async () => {
    using dir = tempDir()
    const { append, rotate, live, at, tail } = rig(dir.path, { finalQuietMs: 1e12 })
    const banner = '#'.repeat(1500)
    append(`${banner}\na\n`)
    await tail.pass()
    rotate(1)
    append(`${banner}\n`)
    await tail.pass()
    copyFileSync(live, at(`audit-${stamp(2)}.log`))
    rmSync(at(`audit-${stamp(1)}.log`))
    truncateSync(live)
    expect((await tail.lines()).toSorted()).toEqual([banner, banner, 'a'])
    await tail.close()
  })

  test('leaves a copy alone of what is in hand, though the file begins again just so', async () => {
    using dir = tempDir()
    const { append, live, at, tail } = rig(dir.path)
    append('banner\n')
    await tail.pass()
    append('a\n')
    const chunk = await tail.tailer.feed('main').read(Buffer.alloc(4096))
    copyFileSync(live, at('audit.log.1'))
    truncateSync(live)
    append('banner\nb\n')
    await tail.pass()
    chunk?.take(chunk.length).settle({ deadLetteredBytes: 0, truncatedBytes: 0 })
    chunk?.leave('partial')
    expect(chunk?.length).toBe('banner\na\n'.length)
    expect(await tail.lines()).toEqual(['banner', 'b'])
    await tail.close()
  })

  test('goes on in the copy of what was begun, though what is gone began just so', async () => {
    using dir = tempDir()
    const { append, live, at, tail } = rig(dir.path, { files: birthless(nodeFiles) })
    const banner = '#'.repeat(1500)
    append(`${banner}\ngone\n`)
    await tail.pass()
    truncateSync(live)
    append(`${banner}\na\n`)
    expect(await tail.lines()).toEqual([banner, 'a'])
    append('unread\n')
    copyFileSync(live, at('audit.log.1'))
    truncateSync(live)
    expect(await tail.lines()).toEqual(['unread'])
    await tail.close()
  })

  test('leaves a copy alone that is made before the truncation', async () => {
    using dir = tempDir()
    const { append, live, at, tail } = rig(dir.path)
    append('a\nb\n')
    await tail.lines()
    copyFileSync(live, at('audit.log.1'))
    expect(await tail.lines()).toEqual([])
    truncateSync(live)
    append('c\n')
    expect(await tail.lines()).toEqual(['c'])
    await tail.close()
  })

  test('does not take a copy that is still empty for a file of its own', async () => {
    using dir = tempDir()
    const { append, live, at, tail } = rig(dir.path)
    append('a\nb\n')
    await tail.lines()
    writeFileSync(at('audit.log.1'), '')
    expect(await tail.lines()).toEqual([])
    copyFileSync(live, at('audit.log.1'))
    truncateSync(live)
    append('c\n')
    expect(await tail.lines()).toEqual(['c'])
    await tail.close()
  })

  test.each(['stays empty', 'grows'])('sees a truncation that comes while it looks at the copy (%s)', async (then) => {
    using dir = tempDir()
    let onOpen = () => {}
    const files: Files = {
      ...nodeFiles,
      open(path) {
        if (path.endsWith('.1')) onOpen()
        return nodeFiles.open(path)
      },
    }
    const { append, live, at, tail } = rig(dir.path, { files })
    append('a\nb\n')
    await tail.lines()
    copyFileSync(live, at('audit.log.1'))
    onOpen = () => {
      onOpen = () => {}
      truncateSync(live)
      if (then === 'grows') append('longer\n')
    }
    expect(await tail.lines()).toEqual(then === 'grows' ? ['longer'] : [])
    await tail.close()
  })
})

describe('archives', () => {
  test('are read when the plain file is gone before it was finished', async () => {
    using dir = tempDir()
    const { append, rotate, at, tail } = rig(dir.path)
    append('a\nb\n')
    await tail.lines()
    append('c\n')
    rotate(1)
    append('d\n')
    const name = at(`audit-${stamp(1)}.log`)
    writeFileSync(`${name}.gz`, gzipSync(readFileSync(name)))
    rmSync(name)
    await tail.restart()
    expect(await tail.lines()).toEqual(['c', 'd'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('are ignored beside their plain file and when that was read', async () => {
    using dir = tempDir()
    const { append, rotate, at, tail } = rig(dir.path)
    append('a\n')
    await tail.lines()
    rotate(1)
    append('b\n')
    const name = at(`audit-${stamp(1)}.log`)
    writeFileSync(`${name}.gz`, gzipSync(readFileSync(name)))
    expect(await tail.lines()).toEqual(['b'])
    rmSync(name)
    expect(await tail.lines()).toEqual([])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('are ignored while their plain file is read through the open descriptor, also without a live file', async () => {
    using dir = tempDir()
    const { append, rotate, at, tail } = rig(dir.path)
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    append('b\n')
    rotate(1)
    await tail.pass()
    const name = at(`audit-${stamp(1)}.log`)
    writeFileSync(`${name}.gz`, gzipSync(readFileSync(name)))
    rmSync(name)
    expect(await tail.lines()).toEqual(['b'])
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('of files that begin alike and are of the same length are told apart', async () => {
    using dir = tempDir()
    const { append, rotate, at, tail } = rig(dir.path)
    const pack = (n: number) => {
      const name = at(`audit-${stamp(n)}.log`)
      writeFileSync(`${name}.gz`, gzipSync(readFileSync(name)))
      rmSync(name)
    }
    const banner = '#'.repeat(1500)
    append(`${banner}\n`)
    expect(await tail.lines()).toEqual([banner])
    append('a\n')
    rotate(1)
    append(`${banner}\nb\n`)
    rotate(2)
    const records = structuredClone(tail.tailer.records())
    expect(await tail.lines()).toEqual(['a', banner, 'b'])
    const second = structuredClone(tail.tailer.records()).filter(({ lastPath }) => lastPath.includes(stamp(2)))
    pack(1)
    pack(2)
    // As if only the second had been settled when the agent died.
    await tail.restart([...records, ...second])
    expect(await tail.lines()).toEqual(['a'])
    await tail.close()
  })

  test('are waited for while incomplete', async () => {
    using dir = tempDir()
    const { append, rotate, at, tail } = rig(dir.path)
    append('a\n')
    await tail.lines()
    append('c\n'.repeat(1000))
    rotate(1)
    append('d\n')
    const name = at(`audit-${stamp(1)}.log`)
    const whole = gzipSync(readFileSync(name))
    writeFileSync(`${name}.gz`, whole.subarray(0, whole.length - 6))
    rmSync(name)
    await tail.restart()
    expect(await tail.lines()).toEqual(['d'])
    writeFileSync(`${name}.gz`, whole)
    expect(await tail.lines()).toHaveLength(1000)
    await tail.close()
  })
})

test('a file that is copied, truncated and written again behind its first read is not taken for what was read', async () => {
  using dir = tempDir()
  const live = join(dir.path, 'audit.log')
  // Alike but for the front, so that only the first bytes tell them apart.
  const line = (name: string) => `${name} ${'x'.repeat(2000)}`
  let swap: 'not yet' | 'at the next read' | 'done' = 'not yet'
  const files: Files = {
    ...nodeFiles,
    // Until it is read the first bytes cannot be looked at.
    readSync: (fd, into, position) => (swap === 'at the next read' ? 0 : nodeFiles.readSync(fd, into, position)),
    async read(fd, into, position) {
      const count = await nodeFiles.read(fd, into, position)
      if (swap !== 'at the next read') return count
      copyFileSync(live, `${live}-20261126`)
      truncateSync(live)
      writeFileSync(live, `${line('b')}\n`)
      swap = 'done'
      return count
    },
  }
  const { tail, append } = rig(dir.path, { files })
  append('')
  await tail.pass()
  append(`${line('a')}\n`)
  swap = 'at the next read'
  expect((await tail.lines()).sort()).toEqual([line('a'), line('b')])
  await tail.close()
})

test.each(['tomcat.8080', 'app.log.2026-11-26', 'access.20261126'])(
  'the last line of %s is waited for, though its name looks rotated, while there is no live file',
  async (name) => {
    using dir = tempDir()
    const { tail, append } = rig(dir.path, {
      sources: [sourceOf(join(dir.path, '*'))],
      finalQuietMs: 0,
      deletedQuietMs: 1e9,
    })
    append('1\nha', name)
    expect(await tail.lines()).toEqual(['1'])
    append('lf\n', name)
    expect(await tail.lines()).toEqual(['half'])
    // What ends with a whole line is done with, until it grows.
    expect(tail.tailer.openFiles).toBe(0)
    await tail.close()
  },
)

test('reads files that are alike and were rotated while the agent was down', async () => {
  using dir = tempDir()
  const { tail, append, rotate } = rig(dir.path)
  const lines = (count: number) => `{"tick":"${'x'.repeat(60)}"}\n`.repeat(count)
  append(lines(200))
  expect(await tail.lines()).toHaveLength(200)
  await tail.restart()
  for (const n of [1, 2, 3]) {
    rotate(n)
    // Born in the same tick of the clock as the live file, one of them might be its copy.
    await moment(dir.path)
    append(lines(40))
  }
  expect(await tail.lines()).toHaveLength(120)
  await tail.close()
})

test('the last line of what was the live file is delivered soon, though no new one takes its place', async () => {
  using dir = tempDir()
  const { tail, append, live } = rig(dir.path, { finalQuietMs: 0, deletedQuietMs: 1e9 })
  append('1\nlast')
  expect(await tail.lines()).toEqual(['1'])
  renameSync(live, `${live}.1`)
  expect(await tail.lines()).toEqual(['last'])
  await tail.close()
})

describe('what was delivered is not delivered again when it is', () => {
  const events = Array.from({ length: 50 }, (_, n) => `{"auditID":"${n}","pad":"${'x'.repeat(60)}"}\n`).join('')
  const named = (n: number) => `audit-${stamp(n)}.log`

  async function delivered(dir: string) {
    const { tail, append, rotate, at, live } = rig(dir)
    append(events)
    expect(await tail.lines()).toHaveLength(50)
    return { tail, rotate, at, live }
  }

  test('copied beside a rotated file, which then is removed', async () => {
    using dir = tempDir()
    const { tail, rotate, at } = await delivered(dir.path)
    rotate(1)
    expect(await tail.lines()).toEqual([])
    copyFileSync(at(named(1)), at(named(2)))
    expect(await tail.lines()).toEqual([])
    rmSync(at(named(1)))
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('copied while it was live, and the agent starts again', async () => {
    using dir = tempDir()
    const { tail, rotate, at, live } = await delivered(dir.path)
    copyFileSync(live, at(named(1)))
    expect(await tail.lines()).toEqual([])
    rotate(2)
    expect(await tail.lines()).toEqual([])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('packed under another name beside a rotated file, which then is removed', async () => {
    using dir = tempDir()
    let opened = 0
    const open = (path: string) => {
      if (path.endsWith('.gz')) opened += 1
      return nodeFiles.open(path)
    }
    const { tail, append, rotate, at } = rig(dir.path, { files: { ...nodeFiles, open } })
    append(events)
    expect(await tail.lines()).toHaveLength(50)
    rotate(1)
    expect(await tail.lines()).toEqual([])
    writeFileSync(at(`${named(2)}.gz`), gzipSync(events))
    expect(await tail.lines()).toEqual([])
    expect(opened).toBe(1)
    rmSync(at(named(1)))
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('inflated beside its archive', async () => {
    using dir = tempDir()
    const { at, tail } = rig(dir.path, { sources: [sourceOf(join(dir.path, 'audit.log'), { backfill: true })] })
    writeFileSync(at(`${named(1)}.gz`), gzipSync(events))
    expect(await tail.lines()).toHaveLength(50)
    writeFileSync(at(named(1)), events)
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })
})

describe('without times of their own, lines', () => {
  test.each([false, true])('of a file that is deleted and written anew are read (restart: %s)', async (restart) => {
    using dir = tempDir()
    const { tail, append, live } = rig(dir.path)
    append('start\n')
    expect(await tail.lines()).toEqual(['start'])
    for (const lines of [
      ['start', 'more'],
      ['start', 'more', 'start'],
    ]) {
      rmSync(live)
      if (restart) await tail.restart()
      await moment(dir.path)
      append(lines.map((line) => `${line}\n`).join(''))
      expect(await tail.lines()).toEqual(lines)
    }
    expect(tail.tailer.openFiles).toBe(1)
    await tail.close()
  })

  test('of a file that was rotated twice while the agent was down, after which the one before is gone, are read', async () => {
    using dir = tempDir()
    const { tail, append, live, at } = rig(dir.path)
    append('ok\nok\n')
    expect(await tail.lines()).toEqual(['ok', 'ok'])
    rmSync(live)
    append('ok\nok\nok\n')
    renameSync(live, at('audit.log.1'))
    append('ok\n')
    await tail.restart()
    expect(await tail.lines()).toEqual(['ok', 'ok', 'ok', 'ok'])
    await tail.close()
  })

  test('come twice rather than not at all from a short file that is replaced by its copy, from a long one once', async () => {
    using dir = tempDir()
    const { tail, append, at, live } = rig(dir.path)
    const edit = (line: string) => {
      copyFileSync(live, at('copy'))
      append(`${line}\n`, 'copy')
      renameSync(at('copy'), live)
    }
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    edit('b')
    expect(await tail.lines()).toEqual(['a', 'b'])
    append(`${'#'.repeat(1024)}\n`)
    expect(await tail.lines()).toHaveLength(1)
    edit('c')
    expect(await tail.lines()).toEqual(['c'])
    await tail.close()
  })

  test('that were not read from a short file are read from its copy, and from what is left of it', async () => {
    using dir = tempDir()
    const lost: unknown[] = []
    const log = { ...silentLog, error: (fields: unknown) => void lost.push(fields) }
    const { tail, append, at, live } = rig(dir.path, { log })
    append('a\n')
    expect(await tail.lines()).toEqual(['a'])
    append('b\n')
    await tail.pass()
    copyFileSync(live, at('copy'))
    append('c\n', 'copy')
    renameSync(at('copy'), live)
    expect(await tail.lines()).toEqual(['b', 'a', 'b', 'c'])
    expect(lost).toEqual([])
    await tail.close()
  })
})

test.each([
  ['', 'first'],
  [', and begins as before,', '#'.repeat(1500)],
])('a file that is written over between a look at it and the read%s is read from its beginning', async (_, first) => {
  using dir = tempDir()
  const path = join(dir.path, 'audit.log')
  let overwrite = () => {}
  const tail = tailRig({
    dir: dir.path,
    files: {
      ...nodeFiles,
      read(fd, into, position) {
        overwrite()
        overwrite = () => {}
        return nodeFiles.read(fd, into, position)
      },
    },
  })
  appendFileSync(path, `${first}\nread\n`)
  expect(await tail.lines()).toEqual([first, 'read'])
  appendFileSync(path, 'unread\n')
  const others = [...(first === 'first' ? [] : [first]), 'another 1', 'another 2', 'another 3']
  overwrite = () => writeFileSync(path, others.map((line) => `${line}\n`).join(''))
  expect(await tail.lines()).toEqual(others)
  await tail.close()
})

test('a file that is written over between a read and its taking, and begins as before, is read from its beginning', async () => {
  using dir = tempDir()
  const path = join(dir.path, 'audit.log')
  const banner = '#'.repeat(1500)
  const tail = tailRig({ dir: dir.path })
  appendFileSync(path, `${banner}\n`)
  expect(await tail.lines()).toEqual([banner])
  appendFileSync(path, 'second\n')
  await tail.pass()
  const chunk = await tail.tailer.feed('main').read(Buffer.alloc(100))
  writeFileSync(path, `${banner}\nanother 1\nanother 2\n`)
  chunk?.take(chunk.length).settle({ deadLetteredBytes: 0, truncatedBytes: 0 })
  chunk?.leave('partial')
  expect(await tail.lines()).toEqual([banner, 'another 1', 'another 2'])
  await tail.close()
})
