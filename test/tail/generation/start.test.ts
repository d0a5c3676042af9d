import { appendFileSync, mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { SourceConfig } from '../../../src/config/config.ts'
import { nodeFiles } from '../../../src/tail/file/files.ts'
import { fingerprint } from '../../../src/tail/file/fingerprint.ts'
import { birthless } from '../../support/faulty-files.ts'
import { moment } from '../../support/moment.ts'
import { sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

type StartPosition = SourceConfig['startPosition']
type Rig = ReturnType<typeof rig>

function rig(dir: string, more: Pick<SourceConfig, 'startPosition' | 'backfill'>) {
  const live = join(dir, 'log', 'audit.log')
  mkdirSync(join(dir, 'log'))
  return {
    append: (text: string) => appendFileSync(live, text),
    rotate: (n: number) => renameSync(live, `${live.slice(0, -4)}-2026-11-20T14-33-4${n}.420.log`),
    tick: () => moment(dir),
    start: () => tailRig({ dir, sources: [sourceOf(live, more)] }),
  }
}

/** What is delivered from the last start on. */
const situations: Readonly<Record<string, (rig: Rig) => Promise<string[]>>> = {
  async 'present at the first start'({ append, rotate, start, tick }) {
    append('history\n')
    rotate(1)
    append('old\n')
    await tick()
    const tail = start()
    const lines = await tail.lines()
    append('new\n')
    lines.push(...(await tail.lines()))
    await tail.close()
    return lines
  },
  async 'that appears later'({ append, start, tick }) {
    const tail = start()
    await tail.lines()
    await tick()
    append('old\n')
    const lines = await tail.lines()
    await tail.close()
    return lines
  },
  async 'with a stored position'({ append, rotate, start, tick }) {
    append('history\n')
    rotate(1)
    append('old\n')
    await tick()
    const tail = start()
    await tail.lines()
    append('meanwhile\n')
    await tick()
    await tail.restart()
    const lines = await tail.lines()
    append('new\n')
    lines.push(...(await tail.lines()))
    await tail.close()
    return lines
  },
  async 'rotated while the agent is down'({ append, rotate, start, tick }) {
    append('history\n')
    rotate(1)
    append('old\n')
    await tick()
    const tail = start()
    await tail.lines()
    await tick()
    append('meanwhile\n')
    rotate(2)
    append('live\n')
    await tick()
    await tail.restart()
    const lines = await tail.lines()
    append('new\n')
    lines.push(...(await tail.lines()))
    await tail.close()
    return lines
  },
}

/** In the order of `situations`; what only `backfill` brings in brackets. */
const expected: Readonly<Record<StartPosition, readonly string[]>> = {
  beginning: ['(history) old new', 'old', 'meanwhile new', 'meanwhile live new'],
  end: ['new', 'old', 'meanwhile new', 'meanwhile live new'],
  forceBeginning: [
    '(history) old new',
    'old',
    '(history) old meanwhile new',
    // Rotated since the first start: no history.
    '(history) old meanwhile live new',
  ],
  forceEnd: ['new', 'old', 'new', 'new'],
}

for (const [startPosition, outcomes] of Object.entries(expected)) {
  describe.each([false, true])(`a file under start_position: ${startPosition}, backfill: %s,`, (backfill) => {
    test.each(Object.keys(situations).map((name, index) => ({ name, outcome: outcomes[index] ?? '' })))(
      '$name',
      async ({ name, outcome }) => {
        using dir = tempDir()
        const lines = await situations[name]?.(
          rig(dir.path, { startPosition: startPosition as StartPosition, backfill }),
        )
        const all = outcome.split(' ')
        expect(lines).toEqual(
          backfill ? all.map((line) => line.replace(/[()]/g, '')) : all.filter((line) => !line.startsWith('(')),
        )
      },
    )
  })
}

describe('a destination that is new in the configuration', () => {
  test.each([
    ['beginning', false],
    ['beginning', true],
    ['end', false],
  ] as const)(
    'reads what another has not finished from its beginning (%s, backfill: %s)',
    async (startPosition, backfill) => {
      using dir = tempDir()
      const { append, rotate, start, tick } = rig(dir.path, { startPosition, backfill })
      const tail = start()
      await tail.lines()
      await tick()
      append('finished\n')
      await tail.lines()
      rotate(1)
      append('unfinished\n')
      rotate(2)
      append('live\n')
      const open = await tail.read({ settle: false })
      await tail.restart(undefined, ['main', 'second'])
      tail.settle(open)
      expect(await tail.lines('second')).toEqual(['unfinished', 'live'])
      await tail.close()
    },
  )

  test('with `end` passes over the live file that was there at the very first start', async () => {
    using dir = tempDir()
    const { append, start, tick } = rig(dir.path, { startPosition: 'end', backfill: false })
    append('old\n')
    await tick()
    const tail = start()
    await tail.lines()
    append('new\n')
    await tail.lines()
    await tail.restart(undefined, ['main', 'second'])
    expect(await tail.lines('second')).toEqual([])
    append('later\n')
    expect(await tail.lines('second')).toEqual(['later'])
    await tail.close()
  })
})

describe.each([
  ['with', nodeFiles],
  ['without', birthless(nodeFiles)],
])('under `end`, %s birth times,', (_, files) => {
  test('what appears while the agent is down is read, what was there at the very first start is passed over', async () => {
    using dir = tempDir()
    const put = (name: string) => writeFileSync(join(dir.path, `${name}.log`), `${name} 1\n`)
    put('present')
    await moment(dir.path)
    const tail = tailRig({
      dir: dir.path,
      files,
      sources: [sourceOf(join(dir.path, '*.log'), { startPosition: 'end' })],
    })
    expect(await tail.lines()).toEqual([])
    await moment(dir.path)
    put('later')
    await tail.restart()
    expect(await tail.lines()).toEqual(['later 1'])
    for (const name of ['present', 'later']) appendFileSync(join(dir.path, `${name}.log`), `${name} 2\n`)
    expect((await tail.lines()).sort()).toEqual(['later 2', 'present 2'])
    await tail.close()
  })

  test('a source that is new in the configuration passes over what is there', async () => {
    using dir = tempDir()
    const at = (name: string) => join(dir.path, name)
    writeFileSync(at('new.log'), 'old\n')
    await moment(dir.path)
    const tail = tailRig({ dir: dir.path, files, sources: [sourceOf(at('new.log'), { startPosition: 'end' })] })
    await tail.restart([], ['main'], [])
    expect(await tail.lines()).toEqual([])
    appendFileSync(at('new.log'), 'later\n')
    expect(await tail.lines()).toEqual(['later'])
    await tail.close()
  })
})

test.each(['beginning', 'end'] as const)(
  'a stored position counts whatever else is recorded, and however much of it (%s)',
  async (startPosition) => {
    using dir = tempDir()
    const { append, start, tick } = rig(dir.path, { startPosition, backfill: false })
    append('present\n')
    await tick()
    const tail = start()
    await tail.lines()
    append('meanwhile\n')
    const own = tail.tailer.records()
    const gone = Array.from({ length: 20_000 }, (_, n) => `/gone/${n}.log`).flatMap((path, n) =>
      own.map((record) => ({ ...record, id: `${n}`, ino: `9${n}`, path, lastPath: path, finished: true })),
    )
    await tail.restart([...own, ...gone])
    expect(await tail.lines()).toEqual(['meanwhile'])
    await tail.close()
  },
)

test.each([
  ['live', false],
  ['rotated', true],
] as const)(
  'an offset beyond the end of a file is not believed: a %s one is read from its beginning',
  async (_, isRotated) => {
    using dir = tempDir()
    const { append, rotate, start } = rig(dir.path, { startPosition: 'beginning', backfill: false })
    append('a\nb\n')
    const tail = start()
    expect(await tail.lines()).toEqual(['a', 'b'])
    const records = tail.tailer.records().map((record) => ({
      ...record,
      positions: {
        main: { offset: 1000, marker: fingerprint(Buffer.alloc(4)), deadLetteredBytes: 0, skippedBytes: {} },
      },
    }))
    append('c\n')
    if (isRotated) rotate(1)
    await tail.restart(records)
    expect(await tail.lines()).toEqual(['a', 'b', 'c'])
    append('d\n')
    expect(await tail.lines()).toEqual(['d'])
    await tail.close()
  },
)

test('forceBeginning reads files whose names only look rotated at every start, archives included', async () => {
  using dir = tempDir()
  const at = (name: string) => join(dir.path, name)
  writeFileSync(at('app.log-20261119.gz'), gzipSync('first\n'))
  writeFileSync(at('app.log-20261120'), 'second\n')
  for (const name of ['app.log-20261119.gz', 'app.log-20261120']) utimesSync(at(name), 1e9, 1e9)
  const tail = tailRig({ dir: dir.path, sources: [sourceOf(at('app.log-*'), { startPosition: 'forceBeginning' })] })
  expect((await tail.lines()).toSorted()).toEqual(['first', 'second'])
  await tail.restart()
  expect((await tail.lines()).toSorted()).toEqual(['first', 'second'])
  await tail.close()
})
