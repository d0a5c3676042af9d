import { appendFileSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { LogFields } from '../../src/log.ts'
import { silentLog, sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

function rig(dir: string, { name = 'app.log', destinations }: { name?: string; destinations: readonly string[] }) {
  const at = (other: string) => join(dir, other)
  const gone: unknown[] = []
  const takenBack: unknown[] = []
  const log = {
    ...silentLog,
    error: ({ bytes }: LogFields) => void gone.push(bytes),
    warn: ({ bytes }: LogFields) => void (bytes === undefined || takenBack.push(bytes)),
  }
  const tail = tailRig({ dir, log, sources: [sourceOf(at(name))], destinations })
  return {
    tail,
    at,
    gone,
    takenBack,
    append: (other: string, text: string) => appendFileSync(at(other), text),
    rename: (from: string, to: string) => renameSync(at(from), at(to)),
    looks: async (count: number) => {
      for (let look = 0; look < count; look += 1) await tail.pass()
    },
  }
}

describe('what no destination of the configuration has read', () => {
  const begin = async (dir: string) => {
    const rigged = rig(dir, { name: 'log/app.log', destinations: ['old'] })
    const { append, rename, at, tail, looks } = rigged
    mkdirSync(at('log'))
    append('log/app.log', 'a\n')
    expect(await tail.lines('old')).toEqual(['a'])
    append('log/app.log', 'unread\n')
    await looks(1)
    rename('log/app.log', 'log/app.log.1')
    append('log/app.log', 'live\n')
    await looks(1)
    return rigged
  }

  test('is read from its beginning though it was away at the start', async () => {
    using dir = tempDir()
    const { tail, rename, gone, takenBack } = await begin(dir.path)
    rename('log', 'away')
    await tail.restart(undefined, ['new'])
    expect(await tail.lines('new')).toEqual([])
    expect(gone.toSorted()).toEqual([5, 9])
    rename('away', 'log')
    expect(await tail.lines('new')).toEqual(['a', 'unread', 'live'])
    expect(takenBack.toSorted()).toEqual([5, 9])
    await tail.close()
  })

  test('is read on by the old one should that come back', async () => {
    using dir = tempDir()
    const { tail, rename } = await begin(dir.path)
    rename('log', 'away')
    await tail.restart(undefined, ['new'])
    expect(await tail.lines('new')).toEqual([])
    await tail.restart(undefined, ['old'])
    rename('away', 'log')
    expect(await tail.lines('old')).toEqual(['unread', 'live'])
    await tail.close()
  })

  test('is reported when it is gone', async () => {
    using dir = tempDir()
    const { tail, at, gone, looks } = await begin(dir.path)
    rmSync(at('log/app.log.1'))
    await tail.restart(undefined, ['new'])
    expect(await tail.lines('new')).toEqual(['live'])
    await looks(3)
    expect(gone).toEqual([9])
    await tail.close()
  })

  test('is reported when it is gone before a destination comes back that was behind', async () => {
    using dir = tempDir()
    const { tail, append, rename, at, gone, looks } = rig(dir.path, { destinations: ['main', 'second'] })
    append('app.log', 'a\n')
    for (const name of ['main', 'second']) expect(await tail.lines(name)).toEqual(['a'])
    append('app.log', 'unread\n')
    expect(await tail.lines('main')).toEqual(['unread'])
    await tail.restart(undefined, ['main'])
    rename('app.log', 'app.log.1')
    append('app.log', 'b\n')
    expect(await tail.lines('main')).toEqual(['b'])
    rmSync(at('app.log.1'))
    await looks(4)
    expect(gone).toEqual([])
    await tail.restart(undefined, ['main', 'second'])
    expect(await tail.lines('second')).toEqual(['b'])
    await looks(3)
    expect(gone).toEqual([7])
    await tail.close()
  })

  test.each([
    ['all are new', ['new'], [5]],
    ['one comes back that was behind', ['main', 'old'], [7]],
    ['one is new', ['main', 'new'], []],
  ])('is reported, too, when nothing leads to it any more: %s', async (_, destinations, bytes) => {
    using dir = tempDir()
    const { tail, append, rename, at, gone, looks } = rig(dir.path, { name: '*.log', destinations: ['main', 'old'] })
    append('app.log', 'a\n')
    for (const name of ['main', 'old']) expect(await tail.lines(name)).toEqual(['a'])
    append('app.log', 'unread\n')
    await tail.restart(undefined, ['main'])
    expect(await tail.lines('main')).toEqual(['unread'])
    rename('app.log', 'app.log.1')
    append('app.log', 'live\n')
    expect(await tail.lines('main')).toEqual(['live'])
    await looks(4)
    const records = structuredClone(tail.tailer.records())
    for (const name of ['app.log', 'app.log.1']) rmSync(at(name))
    await tail.restart(records, destinations)
    await looks(4)
    expect(gone).toEqual(bytes)
    await tail.close()
  })
})
