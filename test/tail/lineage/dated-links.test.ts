import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

function rig(dir: string, pattern = 'access.log', more = {}) {
  const at = (name: string) => join(dir, name)
  const link = (name: string, to: string) => {
    rmSync(at(name), { force: true })
    symlinkSync(to, at(name))
  }
  return {
    at,
    tail: tailRig({ dir, sources: [sourceOf(at(pattern), more)] }),
    append: (name: string, text: string) => appendFileSync(at(name), text),
    link,
    /** A new file of the day, and the link to it. */
    day: (number: number, text: string) => {
      writeFileSync(at(`access.log.2026112${number}`), text)
      link('access.log', `access.log.2026112${number}`)
    },
  }
}

describe.each([['access.log'], ['access.log*'], ['*.log']])(
  'a link to the file of the day, as rotatelogs -L turns it, meant by %s',
  (pattern) => {
    test('leads to each file, also when it was turned twice between two looks', async () => {
      using dir = tempDir()
      const { tail, append, day } = rig(dir.path, pattern)
      day(5, 'a\n')
      expect(await tail.lines()).toEqual(['a'])
      append('access.log', 'b\n')
      day(6, 'c\n')
      day(7, 'd\n')
      expect(await tail.lines()).toEqual(['b', 'c', 'd'])
      append('access.log.20261126', 'late\n')
      expect(await tail.lines()).toEqual(['late'])
      await tail.close()
    })

    test('and twice while the agent was down, after which a file was packed', async () => {
      using dir = tempDir()
      const { at, tail, append, day } = rig(dir.path, pattern)
      day(5, 'a\n')
      expect(await tail.lines()).toEqual(['a'])
      await tail.restart()
      append('access.log', 'b\n')
      day(6, 'c\n')
      day(7, 'd\n')
      writeFileSync(at('access.log.20261126.gz'), gzipSync(readFileSync(at('access.log.20261126'))))
      rmSync(at('access.log.20261126'))
      expect((await tail.lines()).toSorted()).toEqual(['b', 'c', 'd'])
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      await tail.close()
    })

    test('leaves the files of before to history at the first start, and ships them with backfill', async () => {
      using dir = tempDir()
      const { day } = rig(dir.path, pattern)
      day(5, 'a\n')
      day(6, 'b\n')
      for (const [backfill, lines] of [
        [false, ['b']],
        [true, ['a', 'b']],
      ] as const) {
        const { tail } = rig(dir.path, pattern, { backfill })
        expect(await tail.lines()).toEqual(lines)
        await tail.close()
      }
    })
  },
)

test('the last file of the day is not read again from its archive, when the link is gone', async () => {
  using dir = tempDir()
  const { at, tail, day } = rig(dir.path)
  day(5, 'a\n')
  expect(await tail.lines()).toEqual(['a'])
  rmSync(at('access.log'))
  expect(await tail.lines()).toEqual([])
  writeFileSync(at('access.log.20261125.gz'), gzipSync('a\n'))
  expect(await tail.lines()).toEqual([])
  rmSync(at('access.log.20261125'))
  expect(await tail.lines()).toEqual([])
  await tail.close()
})

test('what is rotated by a number from the file of the day is read once', async () => {
  using dir = tempDir()
  const { at, tail, append, day } = rig(dir.path)
  day(5, 'a\n')
  expect(await tail.lines()).toEqual(['a'])
  await tail.restart()
  renameSync(at('access.log.20261125'), at('access.log.20261125.2'))
  append('access.log.20261125.1', 'b\n')
  append('access.log.20261125', 'c\n')
  expect(await tail.lines()).toEqual(['b', 'c'])
  await tail.close()
})

test('a directory that is a link is turned to one where the file was rotated before it could be seen: it is read', async () => {
  using dir = tempDir()
  const { at, tail, append, link } = rig(dir.path, 'current/app.log')
  for (const name of ['blue', 'green']) mkdirSync(at(name))
  link('current', 'blue')
  append('blue/app.log', 'a\n')
  expect(await tail.lines()).toEqual(['a'])
  link('current', 'green')
  append('green/app.log', 'b\n')
  renameSync(at('green/app.log'), at('green/app.log.1'))
  append('blue/app.log', 'c\n')
  expect((await tail.lines()).toSorted()).toEqual(['b', 'c'])
  await tail.close()
})

test.each([[''], ['.gz']])(
  'a rotated file to which a link leads beside the link to the live one is read once (%s)',
  async (end) => {
    using dir = tempDir()
    const { at, tail, append, link } = rig(dir.path, 'log/app.log')
    for (const name of ['log', 'data']) mkdirSync(at(name))
    link('log/app.log', '../data/app.log')
    link(`log/app.log.1${end}`, `../data/app.log.1${end}`)
    append('data/app.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    await tail.restart()
    renameSync(at('data/app.log'), at('data/app.log.2'))
    writeFileSync(at(`data/app.log.1${end}`), end ? gzipSync('b\n') : 'b\n')
    append('data/app.log', 'c\n')
    expect((await tail.lines()).toSorted()).toEqual(['b', 'c'])
    await tail.close()
  },
)

test('a file that is renamed behind its link is read on, also when it had been closed for others', async () => {
  using dir = tempDir()
  const { at, append, link } = rig(dir.path)
  const sources = [sourceOf(at('access.log')), sourceOf(at('other.log'))]
  const tail = tailRig({ dir: dir.path, sources, openFilesLimit: 1 })
  append('1.txt', 'a\n')
  link('access.log', '1.txt')
  expect(await tail.lines()).toEqual(['a'])
  append('other.log', 'other\n')
  expect(await tail.lines()).toEqual(['other'])
  renameSync(at('1.txt'), at('2.txt'))
  link('access.log', '2.txt')
  append('access.log', 'b\n')
  expect(await tail.lines()).toEqual(['b'])
  append('access.log', 'c\n')
  renameSync(at('2.txt'), at('2.txt.1'))
  append('2.txt', 'd\n')
  expect(await tail.lines()).toEqual(['c', 'd'])
  expect(tail.tailer.view().flatMap(({ lineages }) => lineages.map(({ livePath }) => livePath.error))).toEqual([
    undefined,
    undefined,
  ])
  await tail.close()
})
