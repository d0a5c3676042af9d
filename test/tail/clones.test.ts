import { appendFileSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { LogFields } from '../../src/log.ts'
import { clonedVolumes } from '../support/cloned-volumes.ts'
import { mortalFiles } from '../support/mortal-files.ts'
import { type RigOptions, silentLog, sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Volumes `b` and `a` (in the order in which they are found: `a` first) under one pattern. */
function rig(dir: string, more: Partial<RigOptions> = {}) {
  const at = (name: string) => join(dir, name)
  for (const volume of ['a', 'b', 'c']) mkdirSync(at(volume))
  const volumes = clonedVolumes()
  const lost: unknown[] = []
  const log = { ...silentLog, error: (fields: LogFields) => void lost.push(fields) }
  const sources = [sourceOf(at('*/*.log'))]
  const tail = tailRig({ dir, files: volumes.files, log, sources, goneMs: 1e12, ...more })
  return {
    at,
    lost,
    tail,
    volumes,
    append: (name: string, text: string) => appendFileSync(at(name), text),
    sorted: async () => (await tail.lines()).sort(),
    /** A file of volume `a`, and its clone on `b`. */
    pair(name = 'app.log', text = 'from the snapshot\n') {
      writeFileSync(at(`a/${name}`), text)
      volumes.put(at(`a/${name}`), 'a')
      volumes.clone(at(`a/${name}`), at(`b/${name}`), 'b')
    },
  }
}

const both = (...lines: string[]) => [...lines.map((line) => `a ${line}`), ...lines.map((line) => `b ${line}`)]

describe('a file and its clone on another volume, of the same inode and birth time,', () => {
  test('are both read, while they are alike and when they differ', async () => {
    using dir = tempDir()
    const { tail, pair, append, sorted, at } = rig(dir.path)
    pair()
    expect(await sorted()).toEqual(['from the snapshot', 'from the snapshot'])
    for (const line of ['1', '2']) {
      for (const volume of ['a', 'b']) append(`${volume}/app.log`, `${volume} ${line}\n`)
      expect(await sorted()).toEqual(both(line))
    }
    for (const volume of ['a', 'b']) {
      append(`${volume}/app.log`, `${volume} 3\n`)
      renameSync(at(`${volume}/app.log`), at(`${volume}/app.log.1`))
      append(`${volume}/app.log.1`, `${volume} 4\n`)
      append(`${volume}/app.log`, `${volume} 5\n`)
    }
    expect(await sorted()).toEqual(both('3', '4', '5'))
    await tail.close()
  })

  test.each([[false], [true]])(
    'are read once each when one is renamed while the volume of the other is away (after a restart: %s)',
    async (restarts) => {
      using dir = tempDir()
      const { tail, pair, sorted, at } = rig(dir.path, { goneMs: 0 })
      pair('app.log', `${'.'.repeat(2000)}\n`)
      expect(await sorted()).toHaveLength(2)
      mkdirSync(at('away'))
      renameSync(at('b'), at('away/b'))
      expect(await sorted()).toEqual([])
      if (restarts) await tail.restart()
      renameSync(at('a/app.log'), at('a/other.log'))
      expect(await sorted()).toEqual([])
      renameSync(at('away/b'), at('b'))
      expect(await sorted()).toEqual([])
      await tail.close()
    },
  )

  test('are read once each when one was renamed before a start with other devices, without the volume of the other', async () => {
    using dir = tempDir()
    const { tail, pair, sorted, at, volumes } = rig(dir.path, { goneMs: 0 })
    pair('app.log', `${'.'.repeat(2000)}\n`)
    expect(await sorted()).toHaveLength(2)
    renameSync(at('a/app.log'), at('a/other.log'))
    expect(await sorted()).toEqual([])
    mkdirSync(at('away'))
    renameSync(at('b'), at('away/b'))
    volumes.deviceOf.a = '1'
    volumes.deviceOf.b = '2'
    await tail.restart()
    expect(await sorted()).toEqual([])
    renameSync(at('away/b'), at('b'))
    expect(await sorted()).toEqual([])
    await tail.close()
  })

  test.each([
    ['none', []],
    ['the first', ['a']],
    ['the second', ['b']],
    ['both', ['a', 'b']],
  ])(
    'go on where they were after a restart, with other device numbers, too (rotated meanwhile: %s)',
    async (_, rotated) => {
      for (const devices of [
        { a: 'a', b: 'b' },
        { a: 'b', b: 'a' },
        { a: 'x', b: 'y' },
      ]) {
        using dir = tempDir()
        const { tail, pair, append, sorted, at, volumes, lost } = rig(dir.path)
        pair()
        await sorted()
        append('a/app.log', 'a 1\n')
        expect(await sorted()).toEqual(['a 1'])
        for (const volume of ['a', 'b']) append(`${volume}/app.log`, `${volume} 2\n`)
        for (const volume of rotated) renameSync(at(`${volume}/app.log`), at(`${volume}/app.log.1`))
        for (const volume of rotated) append(`${volume}/app.log`, `${volume} 3\n`)
        Object.assign(volumes.deviceOf, devices)
        await tail.restart()
        const expected = ['a 2', 'b 2', ...rotated.map((volume) => `${volume} 3`)]
        expect(await sorted()).toEqual(expected.sort())
        expect(await sorted()).toEqual([])
        expect(lost).toEqual([])
        await tail.close()
      }
    },
  )

  test('are each read once under whatever names they have', async () => {
    using dir = tempDir()
    const { tail, pair, append, sorted, at } = rig(dir.path)
    pair()
    expect(await sorted()).toHaveLength(2)
    for (const volume of ['a', 'b']) linkSync(at(`${volume}/app.log`), at(`${volume}/link.log`))
    expect(await sorted()).toEqual([])
    for (const volume of ['a', 'b']) {
      rmSync(at(`${volume}/app.log`))
      append(`${volume}/link.log`, `${volume} 1\n`)
    }
    expect(await sorted()).toEqual(both('1'))
    expect(await sorted()).toEqual([])
    await tail.close()
  })

  test.each(['a', 'b'])(
    'are both read where the clone of %s came, and it was rotated, while the agent was down',
    async (old) => {
      using dir = tempDir()
      const { tail, append, sorted, at, volumes } = rig(dir.path)
      const clone = old === 'a' ? 'b' : 'a'
      append(`${old}/app.log`, 'from the snapshot\n')
      volumes.put(at(`${old}/app.log`), old)
      expect(await sorted()).toEqual(['from the snapshot'])
      volumes.clone(at(`${old}/app.log`), at(`${clone}/app.log`), clone)
      for (const volume of ['a', 'b']) append(`${volume}/app.log`, `${volume} 1\n`)
      renameSync(at(`${old}/app.log`), at(`${old}/app.log.1`))
      append(`${old}/app.log`, `${old} 2\n`)
      await tail.restart()
      expect(await sorted()).toEqual(['from the snapshot', ...both('1'), `${old} 2`].sort())
      await tail.close()
    },
  )

  test('are both read where one was deleted unread and is still open', async () => {
    using dir = tempDir()
    const { tail, pair, append, sorted, at, volumes } = rig(dir.path)
    pair()
    rmSync(at('b/app.log'))
    append('a/app.log', 'a 1\n')
    await tail.pass()
    volumes.clone(at('a/app.log'), at('b/app.log'), 'b')
    append('b/app.log', 'b 1\n')
    rmSync(at('a/app.log'))
    expect(await sorted()).toEqual(['a 1', 'a 1', 'b 1', 'from the snapshot', 'from the snapshot'])
    await tail.close()
  })

  test('go on where they were when one volume comes later than the other', async () => {
    using dir = tempDir()
    const { tail, pair, append, sorted, at, lost } = rig(dir.path)
    pair()
    expect(await sorted()).toHaveLength(2)
    mkdirSync(at('away'))
    renameSync(at('a'), at('away/a'))
    append('away/a/app.log', 'a 1\n')
    await tail.restart()
    append('b/app.log', 'b 1\n')
    expect(await sorted()).toEqual(['b 1'])
    renameSync(at('away/a'), at('a'))
    expect(await sorted()).toEqual(['a 1'])
    expect(tail.tailer.records().map(({ path }) => path)).toEqual([at('b/app.log'), at('a/app.log')])
    expect(lost).toEqual([])
    await tail.close()
  })
})

test.each(['ESTALE', 'ENOTCONN', 'EIO'])(
  'a volume that is mounted elsewhere, as another device, goes on where it was (old descriptors: %s)',
  async (code) => {
    using dir = tempDir()
    const disk = mortalFiles({ newDevice: true })
    const { tail, append, sorted, at, lost } = rig(dir.path, { files: disk.files })
    append('a/app.log', 'a 1\n')
    expect(await sorted()).toEqual(['a 1'])
    append('a/app.log', 'a 2\n')
    renameSync(at('a/app.log'), at('c/app.log'))
    disk.remount(code)
    expect(await sorted()).toEqual(['a 2'])
    append('c/app.log', 'c 3\n')
    expect(await sorted()).toEqual(['c 3'])
    renameSync(at('c/app.log'), at('a/app.log'))
    disk.remount(code)
    append('a/app.log', 'a 4\n')
    await tail.restart()
    expect(await sorted()).toEqual(['a 4'])
    expect(lost).toEqual([])
    await tail.close()
  },
)
