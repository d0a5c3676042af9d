import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { LogFields } from '../../../src/log.ts'
import { faultyFiles } from '../../support/faulty-files.ts'
import { silentLog, sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** A directory of logs that only a pattern means, and what is reported as gone and taken back. */
function rig(dir: string, pattern = 'log/*.log') {
  const at = (name: string) => join(dir, name)
  const faulty = faultyFiles()
  const gone: unknown[] = []
  const takenBack: unknown[] = []
  const log = {
    ...silentLog,
    error: ({ bytes }: LogFields) => void gone.push(bytes),
    warn: ({ bytes }: LogFields) => void (bytes === undefined || takenBack.push(bytes)),
  }
  mkdirSync(at('log'))
  const tail = tailRig({ dir, log, files: faulty.files, sources: [sourceOf(at(pattern))], goneMs: 0 })
  const append = (name: string, text: string) => appendFileSync(at(name), text)
  return {
    at,
    faulty,
    gone,
    takenBack,
    tail,
    append,
    /** What is in a file that was begun, and not read to its end when the agent stopped. */
    begin: async (name: string) => {
      append(name, 'a\n')
      expect(await tail.lines()).toEqual(['a'])
      append(name, 'unread\n')
      await tail.pass()
      await tail.restart()
    },
    rename: (from: string, to: string) => renameSync(at(from), at(to)),
    turn: (link: string, to: string) => {
      rmSync(at(link), { force: true })
      symlinkSync(to, at(link))
    },
    looks: async (count: number) => {
      for (let look = 0; look < count; look += 1) await tail.pass()
    },
  }
}

describe('what only a pattern means, and was left while the agent was down, is read', () => {
  test.each(['EACCES', 'EMFILE'])('once its directory can be listed, which is refused at first (%s)', async (code) => {
    using dir = tempDir()
    const { at, tail, faulty, begin, rename, gone, looks } = rig(dir.path)
    await begin('log/app.log')
    rename('log/app.log', 'log/app.log.1')
    faulty.refuse(['list'], code, at('log'))
    await looks(3)
    faulty.allow()
    expect(await tail.lines()).toEqual(['unread'])
    expect(gone).toEqual([])
    await tail.close()
  })

  test('once its directory is there, as after a late mount, and what was reported as gone is taken back', async () => {
    using dir = tempDir()
    const { at, tail, begin, rename, gone, takenBack, looks } = rig(dir.path)
    await begin('log/app.log')
    rename('log/app.log', 'log/app.log.1')
    rename('log', 'away')
    mkdirSync(at('log'))
    await looks(5)
    expect(gone).toEqual([7])
    rmSync(at('log'), { recursive: true })
    rename('away', 'log')
    expect(await tail.lines()).toEqual(['unread'])
    expect([gone, takenBack]).toEqual([[7], [7]])
    await tail.close()
  })

  test('under a name of no known form', async () => {
    using dir = tempDir()
    const { tail, begin, rename, gone } = rig(dir.path)
    await begin('log/app.log')
    rename('log/app.log', 'log/app.log.old')
    expect(await tail.lines()).toEqual(['unread'])
    expect(gone).toEqual([])
    await tail.close()
  })

  test.each([
    ['removed', () => {}],
    [
      'turned to a file that is not there',
      (turn: (link: string, to: string) => void) => turn('log/app.log', '../pods/2'),
    ],
  ])('where its link led, which was %s', async (_how, then) => {
    using dir = tempDir()
    const { at, tail, begin, turn, gone } = rig(dir.path)
    mkdirSync(at('pods'))
    writeFileSync(at('pods/1'), '')
    turn('log/app.log', '../pods/1')
    await begin('log/app.log')
    rmSync(at('log/app.log'))
    then(turn)
    expect(await tail.lines()).toEqual(['unread'])
    expect(gone).toEqual([])
    await tail.close()
  })

  test('rotated or packed where its link led', async () => {
    using dir = tempDir()
    const { at, tail, begin, turn, gone, rename } = rig(dir.path)
    mkdirSync(at('pods'))
    writeFileSync(at('pods/0.log'), '')
    turn('log/app.log', '../pods/0.log')
    await begin('log/app.log')
    rename('pods/0.log', 'pods/0.log.20261126-143345')
    expect(await tail.lines()).toEqual(['unread'])
    expect(gone).toEqual([])
    await tail.close()
  })

  test('in the directory that a link led to before it was turned', async () => {
    using dir = tempDir()
    const { at, tail, begin, append, turn, gone } = rig(dir.path, 'now/*.log')
    for (const day of ['day 1', 'day 2']) mkdirSync(at(day))
    turn('now', 'day 1')
    await begin('day 1/app.log')
    append('day 2/other.log', 'b\n')
    turn('now', 'day 2')
    expect((await tail.lines()).toSorted()).toEqual(['b', 'unread'])
    expect(gone).toEqual([])
    await tail.close()
  })

  test('also what was written to a file that was done with', async () => {
    using dir = tempDir()
    const { at, tail, append, rename } = rig(dir.path)
    append('log/app.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    rename('log/app.log', 'log/app.log.1')
    expect(await tail.lines()).toEqual([])
    await tail.restart()
    append('log/app.log.1', 'late\n')
    append('log/app.log', 'b\n')
    rename('log/app.log', 'log/app.log.2')
    expect((await tail.lines()).toSorted()).toEqual(['b', 'late'])
    writeFileSync(at('log/app.log.1.gz'), gzipSync(readFileSync(at('log/app.log.1'))))
    rmSync(at('log/app.log.1'))
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })
})

describe('what only a pattern means, and was removed while the agent was down, is reported', () => {
  test('also while another directory of the pattern cannot be listed', async () => {
    using dir = tempDir()
    const { at, faulty, begin, append, gone, looks } = rig(dir.path, '**/*.log')
    mkdirSync(at('secret'))
    append('secret/x.log', '')
    await begin('log/app.log')
    faulty.refuse(['list'], 'EACCES', at('secret'))
    rmSync(at('log/app.log'))
    await looks(1)
    expect(gone).toEqual([])
    await looks(5)
    expect(gone).toEqual([7])
  })

  test('though there are very many such files', async () => {
    using dir = tempDir()
    const { at, append, tail, gone, looks } = rig(dir.path)
    for (let file = 0; file < 600; file += 1) append(`log/${file}.log`, 'a\n')
    await looks(1)
    await tail.restart()
    rmSync(at('log'), { recursive: true })
    await looks(6)
    expect(gone).toHaveLength(600)
    await tail.close()
  })
})

describe('what only a pattern means, was read, and is gone', () => {
  test.each([
    ['app.log-*', (file: number) => `app.log-2026${1000 + file}`],
    ['audit-*.log', (file: number) => `audit-2026-11-20T14-33-45.${100 + file}.log`],
    ['job-*', (file: number) => `job-${file}`],
  ])(
    'is not tailed again after a start, and looked for in few calls, though others of %s are there',
    async (pattern, name) => {
      using dir = tempDir()
      const { at, tail, faulty, append, looks } = rig(dir.path, `log/${pattern}`)
      for (let file = 0; file < 40; file += 1) append(`log/${name(file)}`, 'a\n')
      expect(await tail.lines()).toHaveLength(40)
      for (let file = 0; file < 20; file += 1) rmSync(at(`log/${name(file)}`))
      await looks(3)
      await tail.restart()
      const stats = faulty.count('stat')
      await looks(2)
      expect(tail.tailer.view().flatMap(({ lineages }) => lineages)).toHaveLength(20)
      // Each live file twice a look at most, and those that are gone.
      expect(faulty.count('stat') - stats).toBeLessThan(2 * (2 * 20 + 20 + 20))
      await tail.close()
    },
  )
})
