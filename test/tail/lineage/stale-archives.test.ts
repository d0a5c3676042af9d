import { appendFileSync, copyFileSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Files, nodeFiles } from '../../../src/tail/file/files.ts'
import { birthless } from '../../support/faulty-files.ts'
import { moment } from '../../support/moment.ts'
import { sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

const HOUR_MS = 3_600_000
/** Long enough to be known by its beginning. */
const lines = (name: string) => Array.from({ length: 40 }, (_, index) => `${name} ${index} ${'.'.repeat(40)}`)

function rig(dir: string, { files = nodeFiles, backfill = false }: { files?: Files; backfill?: boolean } = {}) {
  const at = (name: string) => join(dir, name)
  return {
    at,
    tail: tailRig({ dir, files, sources: [sourceOf(at('app.log'), { backfill })] }),
    append: (name: string, text: string) => appendFileSync(at(name), text),
    /** As gzip does, of a file that was last written to some hours ago. */
    pack: (name: string, text: string | Buffer, hours = 0) => {
      writeFileSync(at(name), gzipSync(text))
      utimesSync(at(name), new Date(), new Date(Date.now() - hours * HOUR_MS))
    },
  }
}

describe('an archive under the name of a younger plain file, as when logrotate no longer compresses', () => {
  test('is read on, whose file was begun before the agent was down', async () => {
    using dir = tempDir()
    const { at, tail, append, pack } = rig(dir.path)
    append('app.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    await tail.restart()
    pack('app.log.1.gz', Buffer.concat([readFileSync(at('app.log')), Buffer.from('b\n')]), 2)
    rmSync(at('app.log'))
    append('app.log.1', 'c\n')
    append('app.log', 'd\n')
    expect(await tail.lines()).toEqual(['b', 'c', 'd'])
    await tail.close()
  })

  test('is read, whose file nobody has seen, and once', async () => {
    using dir = tempDir()
    const { at, tail, append, pack } = rig(dir.path)
    append('app.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    await tail.restart()
    renameSync(at('app.log'), at('app.log.2'))
    pack('app.log.1.gz', 'b\n', 2)
    append('app.log.1', 'c\n')
    append('app.log', 'd\n')
    expect((await tail.lines()).toSorted()).toEqual(['b', 'c', 'd'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('is left alone if it is of that file, which was written to since', async () => {
    using dir = tempDir()
    const { at, tail, append, pack } = rig(dir.path)
    append('app.log', `${lines('a').join('\n')}\n`)
    expect(await tail.lines()).toEqual(lines('a'))
    renameSync(at('app.log'), at('app.log.1'))
    append('app.log', 'b\n')
    pack('app.log.1.gz', readFileSync(at('app.log.1')), 2)
    append('app.log.1', 'late\n')
    expect((await tail.lines()).toSorted()).toEqual(['b', 'late'])
    await tail.close()
  })

  test('is history at the first start', async () => {
    using dir = tempDir()
    const before = rig(dir.path)
    before.pack('app.log.1.gz', 'a\n', 2)
    before.append('app.log.1', 'b\n')
    before.append('app.log', 'c\n')
    await before.tail.close()
    await moment(dir.path)
    const { tail } = rig(dir.path)
    expect(await tail.lines()).toEqual(['c'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })
})

describe.each([['while the agent runs'], ['while it is down']])('an archive that is written over %s', (when) => {
  test('by one of a former time that begins so and is as long is read', async () => {
    using dir = tempDir()
    const { tail, append, pack } = rig(dir.path, { backfill: true })
    append('app.log', 'live\n')
    pack('app.log.1.gz', `${lines('a').join('\n')}\nold\n`, 1)
    expect(await tail.lines()).toEqual([...lines('a'), 'old', 'live'])
    if (when === 'while it is down') await tail.restart()
    pack('app.log.1.gz', `${lines('a').join('\n')}\nnew\n`, 2)
    expect(await tail.lines()).toEqual([...lines('a'), 'new'])
    await tail.close()
  })
})

describe.each([
  ['with', nodeFiles],
  ['without', birthless(nodeFiles)],
])('a delivered archive of which a copy lies beside it under an older name, %s birth times', (_, files) => {
  test('does not come again after a start', async () => {
    using dir = tempDir()
    const { at, tail, append, pack } = rig(dir.path, { files })
    append('app.log', `${lines('a').join('\n')}\n`)
    expect(await tail.lines()).toEqual(lines('a'))
    pack('app.log-20261126.gz', readFileSync(at('app.log')))
    rmSync(at('app.log'))
    append('app.log', 'b\n')
    expect(await tail.lines()).toEqual(['b'])
    copyFileSync(at('app.log-20261126.gz'), at('app.log-20261125.gz'))
    for (let start = 0; start < 3; start += 1) {
      await tail.restart()
      expect(await tail.lines()).toEqual([])
    }
    await tail.close()
  })
})
