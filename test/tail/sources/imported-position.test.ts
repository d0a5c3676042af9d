import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { ImportedPosition } from '../../../src/checkpoint/datadog-import.ts'
import type { SourceConfig } from '../../../src/config/config.ts'
import { chooseHome, type HomeCandidate } from '../../../src/tail/sources/imported-position.ts'
import { faultyFiles } from '../../support/faulty-files.ts'
import { moment } from '../../support/moment.ts'
import { silentLog, sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

const T = 1_000_000
const LONG_BEFORE = T - 60_000
const LATER = T + 60_000
const file = (bornAtMs: number, fits = true): HomeCandidate => ({ bornAtMs, fits })
/** As an archive is: made since, whatever it holds. */
const GONE = file(LATER, false)

interface Case {
  readonly name: string
  readonly live?: HomeCandidate
  /** Youngest first. */
  readonly rotated?: readonly HomeCandidate[]
  readonly updatedAtMs?: number
  readonly home: 'live' | number | undefined
}

test.each<Case>([
  { name: 'only the live file', live: file(LONG_BEFORE), home: 'live' },
  { name: 'a live file that is shorter than the position', live: file(LONG_BEFORE, false), home: undefined },
  { name: 'no live file', rotated: [file(LONG_BEFORE)], home: 0 },
  { name: 'older generations beside it', live: file(LONG_BEFORE), rotated: [file(LONG_BEFORE - 9)], home: 'live' },
  { name: 'rotated since', live: file(LATER, false), rotated: [file(LONG_BEFORE)], home: 0 },
  { name: 'rotated since and grown past the position', live: file(LATER), rotated: [file(LONG_BEFORE)], home: 0 },
  {
    name: 'rotated twice since',
    live: file(LATER + 9),
    rotated: [file(LATER), file(LONG_BEFORE), file(LONG_BEFORE - 9)],
    home: 1,
  },
  { name: 'rotated in the same moment', live: file(T - 2), rotated: [file(LONG_BEFORE)], home: 0 },
  {
    name: 'copied and truncated since, and grown past the position',
    live: file(LONG_BEFORE),
    rotated: [file(LATER)],
    home: 0,
  },
  { name: 'copied twice since', live: file(LONG_BEFORE), rotated: [file(LATER + 9), file(LATER)], home: 1 },
  { name: 'a copy from before', live: file(LONG_BEFORE), rotated: [file(LONG_BEFORE + 9)], home: 'live' },
  { name: 'a date before everything', live: file(LATER), home: 'live' },
  { name: 'a date before everything, no live file', rotated: [file(LATER)], home: 0 },
  {
    name: 'a live file from since, after one that has it no more',
    live: file(LATER),
    rotated: [GONE],
    home: undefined,
  },
  { name: 'all from since', live: file(LATER + 9), rotated: [file(LATER)], home: undefined },
  { name: 'all from since, no live file', rotated: [file(LATER + 9), GONE], home: undefined },
  { name: 'no date', live: file(LONG_BEFORE), rotated: [file(LATER)], updatedAtMs: Number.NaN, home: 'live' },
  { name: 'no times of birth', live: file(0), rotated: [file(0), file(0)], home: 'live' },
  { name: 'no times of birth, too short', live: file(0, false), rotated: [file(0), file(0)], home: 0 },
  { name: 'it fits none', live: file(LATER, false), rotated: [file(LONG_BEFORE, false)], home: undefined },
])(
  'a position is in the file that was live when it was written: $name',
  ({ live, rotated = [], updatedAtMs = T, home }) => {
    const chosen = chooseHome(live, rotated, Number.isNaN(updatedAtMs) ? undefined : updatedAtMs)
    expect(chosen === undefined ? undefined : chosen === live ? 'live' : rotated.indexOf(chosen)).toBe(home)
  },
)

describe('a switch from another agent', () => {
  const stamp = (n: number) => `2026-11-20T14-33-4${n}.420`

  /** A log whose first lines the other agent has sent: `sent` bytes of it. */
  function rig(
    dir: string,
    sent: number,
    more: { source?: Partial<SourceConfig>; sources?: number; imports?: [string, ImportedPosition][] } = {},
  ) {
    const live = join(dir, 'audit.log')
    const said: string[] = []
    const faulty = faultyFiles()
    const imports = new Map(more.imports ?? [[live, { offset: sent, updatedAtMs: undefined }]])
    const log = {
      ...silentLog,
      info: (_: object, text: string) => said.push(text),
      warn: (_: object, text: string) => said.push(text),
    }
    const sources = Array.from({ length: more.sources ?? 1 }, () => sourceOf(live, more.source))
    return { live, said, faulty, tail: tailRig({ dir, sources, imports, files: faulty.files, log }) }
  }

  test('goes on behind what was sent, and then from its own registry', async () => {
    using dir = tempDir()
    const { live, tail, said } = rig(dir.path, 4, { source: { startPosition: 'end' } })
    writeFileSync(live, 'a\nb\nc\nd\n')
    expect(await tail.lines()).toEqual(['c', 'd'])
    expect(said).toEqual(['position imported'])
    await tail.restart()
    appendFileSync(live, 'e\n')
    expect(await tail.lines()).toEqual(['e'])
    await tail.close()
  })

  test.each([false, true])('finds the position in the generation it belongs to (regrown: %s)', async (regrown) => {
    using dir = tempDir()
    const live = join(dir.path, 'audit.log')
    const at = (n: number) => join(dir.path, `audit-${stamp(n)}.log`)
    writeFileSync(at(1), 'history\n')
    writeFileSync(`${at(0)}.gz`, gzipSync('older history\n'))
    writeFileSync(live, 'a\nb\nc\n')
    const updatedAtMs = await moment(dir.path)
    renameSync(live, at(2))
    writeFileSync(at(3), 'd\n')
    writeFileSync(live, regrown ? 'e\nf\ng\n' : 'e\n')
    const { tail } = rig(dir.path, 4, { imports: [[live, { offset: 4, updatedAtMs }]] })
    expect(await tail.lines()).toEqual(['c', 'd', 'e', ...(regrown ? ['f', 'g'] : [])])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test.each(['beginning', 'end'] as const)(
    'loses nothing of what came since, when the file that the position was in is an archive now (%s)',
    async (startPosition) => {
      using dir = tempDir()
      const live = join(dir.path, 'audit.log')
      const sent = 'old 1\nold 2\n'
      const updatedAtMs = await moment(dir.path)
      writeFileSync(`${live}.2.gz`, gzipSync(`${sent}old 3\n`))
      writeFileSync(`${live}.3.gz`, gzipSync('history\n'))
      utimesSync(`${live}.3.gz`, new Date(), new Date(updatedAtMs - 60_000))
      writeFileSync(`${live}.1`, 'mid 1\nmid 2\nmid 3\n')
      writeFileSync(live, 'new 1\nnew 2\nnew 3\n')
      const imports: [string, ImportedPosition][] = [[live, { offset: sent.length, updatedAtMs }]]
      const { tail, said } = rig(dir.path, 0, { source: { startPosition }, imports })
      const since = ['mid 1', 'mid 2', 'mid 3', 'new 1', 'new 2', 'new 3']
      expect(await tail.lines()).toEqual(['old 1', 'old 2', 'old 3', ...since])
      expect(said).toEqual([expect.stringContaining('the live file is read from its beginning')])
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      await tail.close()
    },
  )

  test('loses nothing either when all there is are archives', async () => {
    using dir = tempDir()
    const live = join(dir.path, 'audit.log')
    const updatedAtMs = await moment(dir.path)
    writeFileSync(`${live}.1.gz`, gzipSync('sent\nunread\n'))
    const { tail } = rig(dir.path, 0, { imports: [[live, { offset: 5, updatedAtMs }]] })
    expect(await tail.lines()).toEqual(['sent', 'unread'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('never takes an archive for the file that the position is in', async () => {
    using dir = tempDir()
    const live = join(dir.path, 'audit.log')
    writeFileSync(`${live}.1.gz`, gzipSync('history\n'))
    const updatedAtMs = await moment(dir.path)
    writeFileSync(live, 'new\n')
    const { tail } = rig(dir.path, 0, { imports: [[live, { offset: 0, updatedAtMs }]] })
    expect(await tail.lines()).toEqual(['new'])
    await tail.close()
  })

  test('takes a live file for the one that was sent, whatever its date says, when there is no older one', async () => {
    using dir = tempDir()
    const updatedAtMs = await moment(dir.path)
    const { live, tail, said } = rig(dir.path, 0, {
      imports: [[join(dir.path, 'audit.log'), { offset: 4, updatedAtMs }]],
    })
    writeFileSync(live, 'a\nb\nc\n')
    expect(await tail.lines()).toEqual(['c'])
    expect(said).toEqual(['position imported'])
    await tail.close()
  })

  test('finds the position in a copy that was made since', async () => {
    using dir = tempDir()
    const live = join(dir.path, 'audit.log')
    writeFileSync(live, 'a\nb\nc\n')
    const updatedAtMs = await moment(dir.path)
    copyFileSync(live, `${live}.1`)
    truncateSync(live)
    appendFileSync(live, 'd\ne\nf\n')
    const { tail } = rig(dir.path, 4, { imports: [[live, { offset: 4, updatedAtMs }]] })
    expect((await tail.lines()).sort()).toEqual(['c', 'd', 'e', 'f'])
    await tail.close()
  })

  test.each([
    ['inside a line', 2],
    ['behind the end', 100],
  ])('begins at the start of the live file when the position is %s, and says so', async (_, sent) => {
    using dir = tempDir()
    const { live, tail, said } = rig(dir.path, sent, { source: { startPosition: 'end' } })
    writeFileSync(join(dir.path, `audit-${stamp(1)}.log`), 'history\n')
    writeFileSync(live, 'aa\nbb\n')
    expect(await tail.lines()).toEqual(['aa', 'bb'])
    expect(said).toEqual([expect.stringContaining('the live file is read from its beginning')])
    await tail.close()
  })

  test.each([
    ['beside it', ''],
    ['in another directory', 'days/'],
  ])('counts the former files of a link to the file of the day as done, which lies %s', async (_where, days) => {
    using dir = tempDir()
    const live = join(dir.path, 'audit.log')
    const day = (n: number) => `audit.log.2026112${n}`
    const turn = (n: number, text: string) => {
      writeFileSync(join(dir.path, days, day(n)), text)
      rmSync(live, { force: true })
      symlinkSync(join(days, day(n)), live)
    }
    mkdirSync(join(dir.path, 'days'))
    writeFileSync(join(dir.path, `${day(1)}.gz`), gzipSync('history\n'))
    writeFileSync(join(dir.path, day(3)), 'older\n')
    turn(4, 'a\nb\n')
    const updatedAtMs = await moment(dir.path)
    appendFileSync(live, 'c\n')
    if (!days) turn(5, 'd\n')
    const { tail } = rig(dir.path, 2, { imports: [[live, { offset: 2, updatedAtMs }]] })
    expect(await tail.lines()).toEqual(days ? ['b', 'c'] : ['b', 'c', 'd'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('finds the position in a rotated file to which a link leads beside that to the live one', async () => {
    using dir = tempDir()
    const at = (...names: string[]) => join(dir.path, ...names)
    mkdirSync(at('data'))
    for (const name of ['audit.log', 'audit.log.1']) symlinkSync(join('data', name), at(name))
    writeFileSync(at('data/audit.log'), 'a\nb\n')
    const updatedAtMs = await moment(dir.path)
    renameSync(at('data/audit.log'), at('data/audit.log.1'))
    writeFileSync(at('data/audit.log'), 'c\n')
    const { tail } = rig(dir.path, 2, { imports: [[at('audit.log'), { offset: 2, updatedAtMs }]] })
    expect(await tail.lines()).toEqual(['b', 'c'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('waits for a file that cannot be looked at', async () => {
    using dir = tempDir()
    const { live, tail, faulty } = rig(dir.path, 2)
    writeFileSync(live, 'a\nb\n')
    faulty.refuse(['open'], 'EACCES')
    expect(await tail.lines()).toEqual([])
    expect(tail.tailer.view()[0]?.faults).toMatchObject([{ code: 'EACCES' }])
    faulty.allow()
    expect(await tail.lines()).toEqual(['b'])
    expect(tail.tailer.view()[0]?.faults).toEqual([])
    await tail.close()
  })

  test('counts the bytes of another encoding', async () => {
    using dir = tempDir()
    const { live, tail } = rig(dir.path, 4, { source: { encoding: 'utf-16-le' } })
    // Behind half a character that looks like a newline nothing begins.
    writeFileSync(live, Buffer.from('a\nb\n', 'utf16le'))
    expect(await tail.lines()).toEqual(['b'])
    await tail.close()
  })

  test('is told of once, though two sources mean the file', async () => {
    using dir = tempDir()
    const { live, tail, said } = rig(dir.path, 2, { sources: 2 })
    writeFileSync(live, 'a\nb\n')
    expect(await tail.lines()).toEqual(['b'])
    expect(said).toEqual(['position imported'])
    expect(tail.tailer.view().map(({ warnings }) => warnings.length)).toEqual([0, 1])
    await tail.close()
  })

  test('leaves alone what it knows nothing of', async () => {
    using dir = tempDir()
    const other = join(dir.path, 'other.log')
    const { live, tail } = rig(dir.path, 0, { imports: [[other, { offset: 1, updatedAtMs: undefined }]] })
    expect(await tail.lines()).toEqual([])
    writeFileSync(live, 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    rmSync(live)
    await tail.close()
  })
})
