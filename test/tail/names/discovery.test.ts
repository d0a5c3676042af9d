import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { SourceConfig } from '../../../src/config/config.ts'
import { createDirectoryListings } from '../../../src/tail/names/directory-listings.ts'
import { createDiscovery } from '../../../src/tail/names/discovery.ts'
import { faultyFiles } from '../../support/faulty-files.ts'
import { sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

function tree(dir: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), `in ${name}\n`)
  }
}

function rig(dir: string, patterns: readonly (string | [string, Partial<SourceConfig>])[], more = {}) {
  const sources = patterns.map((pattern) =>
    typeof pattern === 'string' ? sourceOf(join(dir, pattern)) : sourceOf(join(dir, pattern[0]), pattern[1]),
  )
  const tail = tailRig({ dir, sources, ...more })
  return {
    tail,
    at: (name: string) => join(dir, name),
    append: (name: string, text: string) => appendFileSync(join(dir, name), text),
    sorted: async () => (await tail.lines()).sort(),
  }
}

const names = ['a.log', 'b.txt', '.c.log', 'x/a.log', 'x/y/a.log', 'x/y/1.log', 'x y (1)/[a].log']

test.each<{ pattern: string; exclude?: string[]; found: string[] }>([
  { pattern: 'a.log', found: ['a.log'] },
  { pattern: './/x//*/../y/*.log', found: ['x/y/1.log', 'x/y/a.log'] },
  { pattern: 'missing.log', found: ['missing.log'] },
  { pattern: '*.log', found: ['.c.log', 'a.log'] },
  { pattern: '?.log', found: ['a.log'] },
  { pattern: 'x/*/[0-9].log', found: ['x/y/1.log'] },
  { pattern: 'x/*/[!0-9].log', found: ['x/y/a.log'] },
  { pattern: '{a,b}.{log,txt}', found: ['a.log', 'b.txt'] },
  { pattern: '{x/y,missing}/*.log', found: ['x/y/1.log', 'x/y/a.log'] },
  { pattern: '**/a.log', found: ['a.log', 'x/a.log', 'x/y/a.log'] },
  { pattern: 'x/**', found: ['x/a.log', 'x/y/1.log', 'x/y/a.log'] },
  { pattern: 'x y (1)/*.log', found: ['x y (1)/[a].log'] },
  { pattern: 'x y (1)/\\[a\\].log', found: ['x y (1)/[a].log'] },
  { pattern: '**/*.log', exclude: ['x/**', '.*'], found: ['a.log', 'x y (1)/[a].log'] },
  { pattern: 'a.log', exclude: ['*.log'], found: [] },
])('$pattern without $exclude means $found', ({ pattern, exclude = [], found }) => {
  using dir = tempDir()
  tree(dir.path, names)
  const { files } = faultyFiles()
  const source = sourceOf(`${dir.path}/${pattern}`, { excludePaths: exclude.map((glob) => join(dir.path, glob)) })
  const { paths } = createDiscovery(source, { files, listings: createDirectoryListings(files) }).look()
  expect(paths.map((path) => path.slice(dir.path.length + 1))).toEqual(found)
})

describe('a discovery', () => {
  function discovery(dir: string, pattern: string) {
    const faulty = faultyFiles()
    const listings = createDirectoryListings(faulty.files)
    return { ...faulty, ...createDiscovery(sourceOf(join(dir, pattern)), { files: faulty.files, listings }), listings }
  }

  test('of directories that did not change costs one stat each', () => {
    using dir = tempDir()
    tree(dir.path, names)
    const { look, count, listings } = discovery(dir.path, '**/*.log')
    const later = Date.now() + 60_000
    listings.begin(later)
    const first = look()
    const before = { stat: count('stat'), list: count('list') }
    listings.begin(later + 1000)
    expect(look()).toBe(first)
    expect({ stat: count('stat') - before.stat, list: count('list') - before.list }).toEqual({
      stat: first.directories.length,
      list: 0,
    })
  })

  test('does not trust the time of a directory that has only just changed', () => {
    using dir = tempDir()
    tree(dir.path, ['a.log'])
    const { look, listings, count } = discovery(dir.path, '*.log')
    listings.begin(Date.now())
    look()
    listings.begin(Date.now())
    look()
    expect(count('list')).toBe(2)
  })

  test.each([1, -1])(
    'lists a directory again after half a minute, though its time does not change (%i)',
    (direction) => {
      using dir = tempDir()
      const { look, listings } = discovery(dir.path, '*.log')
      const write = (name: string) => {
        tree(dir.path, [name])
        utimesSync(dir.path, 1, 1)
      }
      const found = (atMs: number) => {
        listings.begin(Date.now() + direction * atMs)
        return look().paths.length
      }
      write('a.log')
      expect(found(0)).toBe(1)
      write('b.log')
      expect([found(29_000), found(31_000)]).toEqual([1, 2])
    },
  )

  test('looks into the directories only that a match can lie in', () => {
    using dir = tempDir()
    tree(dir.path, ['p/a/logs/1.log', 'p/a/other/deep/2.log', 'p/b/logs/more/3.log'])
    const { look } = discovery(dir.path, 'p/*/logs/*.log')
    expect(look().directories.map((path) => path.slice(dir.path.length))).toEqual([
      '/p',
      '/p/a',
      '/p/a/logs',
      '/p/b',
      '/p/b/logs',
    ])
  })

  test('looks into directories of any depth also where they are one of several alternatives', () => {
    using dir = tempDir()
    tree(dir.path, ['p/a/1.log', 'p/b/c/2.log'])
    expect(
      discovery(dir.path, 'p/{a,**}/*.log')
        .look()
        .paths.map((path) => path.slice(dir.path.length)),
    ).toEqual(['/p/a/1.log', '/p/b/c/2.log'])
  })

  test('is concerned by names that match and by directories on the way', () => {
    const { concerns } = discovery('/l', 'p/*/logs/*.log')
    const paths = ['/l/p/a', '/l/p/a/logs', '/l/p/a/logs/1.log', '/l/p/a/other', '/l/p/a/logs/1.txt', '/l/q']
    expect(paths.filter(concerns)).toEqual(['/l/p/a', '/l/p/a/logs', '/l/p/a/logs/1.log'])
    const deep = discovery('/l', '**/*.log').concerns
    expect(['/l/a', '/l/a/b', '/m/a/b', '/m/a.log'].filter(deep)).toEqual(['/l/a', '/l/a/b'])
  })

  test('ends where a link leads back', () => {
    using dir = tempDir()
    tree(dir.path, ['x/a.log'])
    symlinkSync(dir.path, join(dir.path, 'x', 'up'))
    const { look } = discovery(dir.path, '**/*.log')
    expect(look().paths).toEqual([join(dir.path, 'x/a.log')])
  })
})

describe('links', () => {
  test('a link and what it points to are read once, under the name of the file', async () => {
    using dir = tempDir()
    tree(dir.path, ['1.log'])
    symlinkSync('1.log', join(dir.path, 'current.log'))
    const { tail, sorted } = rig(dir.path, ['*.log'])
    expect(await sorted()).toEqual(['in 1.log'])
    expect(tail.tailer.view()[0]?.lineages.map(({ options }) => options.path)).toEqual([join(dir.path, '1.log')])
    await tail.close()
  })

  test.each([false, true])(
    'a link that is turned: the old file is read to its end, the new one from its start (restart: %s)',
    async (restart) => {
      using dir = tempDir()
      tree(dir.path, ['data/1.txt', 'data/2.txt'])
      symlinkSync('data/1.txt', join(dir.path, 'current.log'))
      const { tail, append, at } = rig(dir.path, ['current.log'])
      expect(await tail.lines()).toEqual(['in data/1.txt'])
      append('data/1.txt', 'last\n')
      unlinkSync(at('current.log'))
      symlinkSync('data/2.txt', at('current.log'))
      if (restart) await tail.restart()
      expect(await tail.lines()).toEqual(['last', 'in data/2.txt'])
      append('data/1.txt', 'late\n')
      append('data/2.txt', 'next\n')
      expect((await tail.lines()).sort()).toEqual(['late', 'next'])
      await tail.close()
    },
  )

  test('a directory that is a link is followed, also when it is turned', async () => {
    using dir = tempDir()
    tree(dir.path, ['day 1/a.log', 'day 2/a.log', 'day 2/b.log'])
    symlinkSync('day 1', join(dir.path, 'today'))
    const { tail, append, at } = rig(dir.path, ['today/*.log'])
    expect(await tail.lines()).toEqual(['in day 1/a.log'])
    append('day 1/a.log', 'last\n')
    unlinkSync(at('today'))
    symlinkSync('day 2', at('today'))
    const lines = await tail.lines()
    expect(lines.toSorted()).toEqual(['in day 2/a.log', 'in day 2/b.log', 'last'])
    expect(lines.indexOf('last')).toBeLessThan(lines.indexOf('in day 2/a.log'))
    await tail.close()
  })

  test('two links to one file are read once, and rotation behind a link is followed', async () => {
    using dir = tempDir()
    tree(dir.path, ['data/a.txt'])
    for (const name of ['1.log', '2.log']) symlinkSync('data/a.txt', join(dir.path, name))
    const { tail, append, at } = rig(dir.path, ['*.log'])
    expect(await tail.lines()).toEqual(['in data/a.txt'])
    append('data/a.txt', 'b\n')
    renameSync(at('data/a.txt'), at('data/a.txt.1'))
    append('data/a.txt', 'c\n')
    expect(await tail.lines()).toEqual(['b', 'c'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('a link that points nowhere is waited for', async () => {
    using dir = tempDir()
    symlinkSync('data.txt', join(dir.path, 'a.log'))
    const { tail, append } = rig(dir.path, ['a.log'])
    expect(await tail.lines()).toEqual([])
    append('data.txt', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    await tail.close()
  })

  test('hard links are read once, whichever is removed', async () => {
    using dir = tempDir()
    tree(dir.path, ['a.log'])
    linkSync(join(dir.path, 'a.log'), join(dir.path, 'b.log'))
    const { tail, append, at } = rig(dir.path, ['*.log'])
    expect(await tail.lines()).toEqual(['in a.log'])
    append('b.log', '1\n')
    expect(await tail.lines()).toEqual(['1'])
    unlinkSync(at('a.log'))
    append('b.log', '2\n')
    expect(await tail.lines()).toEqual(['2'])
    await tail.restart()
    append('b.log', '3\n')
    expect(await tail.lines()).toEqual(['3'])
    await tail.close()
  })
})

describe('patterns', () => {
  test('that overlap are read once, for the first', async () => {
    using dir = tempDir()
    tree(dir.path, ['a.log', 'x/b.log'])
    const { tail, sorted } = rig(dir.path, ['*.log', '**/*.log', 'a.log'])
    expect(await sorted()).toEqual(['in a.log', 'in x/b.log'])
    const view = tail.tailer.view()
    expect(view.map(({ lineages }) => lineages.length)).toEqual([1, 1, 0])
    expect(view[2]?.warnings).toEqual([
      `${join(dir.path, 'a.log')} is read for ${join(dir.path, '*.log')} (test), which means it, too`,
    ])
    await tail.close()
  })

  test('find files and directories that appear later, from their beginning', async () => {
    using dir = tempDir()
    const { tail, sorted } = rig(dir.path, [['deep/**/*.log', { startPosition: 'end' }]])
    expect(await sorted()).toEqual([])
    tree(dir.path, ['deep/a.log', 'deep/x/y/b.log'])
    expect(await sorted()).toEqual(['in deep/a.log', 'in deep/x/y/b.log'])
    await tail.close()
  })

  test('leave a file to the live name that its own name is rotated from', async () => {
    using dir = tempDir()
    tree(dir.path, ['a.log', 'a.log.1', 'b-20261120'])
    const { tail, sorted } = rig(dir.path, ['*'])
    // `b` is not there: `b-20261120` may be all that is meant, and is read.
    expect(await sorted()).toEqual(['in a.log', 'in b-20261120'])
    expect(tail.tailer.view()[0]?.lineages.map(({ options }) => options.path)).toEqual([
      join(dir.path, 'a.log'),
      join(dir.path, 'b'),
    ])
    await tail.close()
  })

  test('leave what kube-apiserver has rotated to history, though its live file is not there yet', async () => {
    using dir = tempDir()
    tree(dir.path, ['audit-2026-11-20T14-33-45.420.log'])
    const { tail, sorted, append } = rig(dir.path, ['audit*.log'])
    expect(await sorted()).toEqual([])
    append('audit.log', 'new\n')
    expect(await sorted()).toEqual(['new'])
    await tail.close()
  })

  test('that mean a file and one that looks rotated from it read both once', async () => {
    using dir = tempDir()
    tree(dir.path, ['a.log', 'a.log.1'])
    const { tail, sorted, append, at } = rig(dir.path, [
      ['a.log.1', { backfill: true }],
      ['a.log', { backfill: true }],
    ])
    expect(await sorted()).toEqual(['in a.log', 'in a.log.1'])
    append('a.log', 'last\n')
    renameSync(at('a.log.1'), at('a.log.2'))
    renameSync(at('a.log'), at('a.log.1'))
    append('a.log', 'new\n')
    expect(await sorted()).toEqual(['last', 'new'])
    await tail.close()
  })

  test('read a file of its own whose name looks rotated when its live name does not match', async () => {
    using dir = tempDir()
    tree(dir.path, ['pod.1', 'pod.2'])
    const { tail, sorted, append, at } = rig(dir.path, ['pod.*'])
    expect(await sorted()).toEqual(['in pod.1', 'in pod.2'])
    renameSync(at('pod.1'), at('pod.1.1'))
    append('pod.1', 'new\n')
    expect(await sorted()).toEqual(['new'])
    await tail.close()
  })

  test.each(['app.log.2026-11-20', 'app.log-20261120', 'app-2026-11-20T14-33-45.420.log'])(
    'read the archive of a file of its own whose name looks rotated, inflated and once (%s)',
    async (name) => {
      using dir = tempDir()
      const { tail, sorted, append, at } = rig(dir.path, ['app.log[.-]*', 'app-*'])
      append(name, 'one\n')
      expect(await sorted()).toEqual(['one'])
      const records = structuredClone(tail.tailer.records())
      append(name, 'unread\n')
      writeFileSync(at(`${name}.gz`), gzipSync(readFileSync(at(name))))
      rmSync(at(name))
      await tail.restart(records)
      expect(await sorted()).toEqual(['unread'])
      await tail.restart()
      expect(await sorted()).toEqual([])
      await tail.close()
    },
  )

  describe('that mean numbered names, of which all but the first are packed', () => {
    const text = (name: string) => `${name} ${'x'.repeat(1500)}\n`
    function numbered(dir: string, patterns: readonly string[]) {
      const { tail, append, at } = rig(dir, patterns)
      return {
        tail,
        append,
        move: (from: string, to: string) => renameSync(at(from), at(to)),
        pack: (name: string) => {
          writeFileSync(at(`${name}.gz`), gzipSync(readFileSync(at(name))))
          rmSync(at(name))
        },
        /** The first words of whole lines; compressed bytes may hold newlines, too. */
        words: async () => (await tail.lines()).flatMap((line) => /^(\w+) x+$/.exec(line)?.[1] ?? []),
      }
    }

    test('read each file once, however often they move on', async () => {
      using dir = tempDir()
      const { tail, append, move, pack, words } = numbered(dir.path, ['app.log.*'])
      append('app.log.1', text('g1'))
      const read = await words()
      for (let last = 1; last <= 4; last += 1) {
        for (let number = last; number >= 2; number -= 1) move(`app.log.${number}.gz`, `app.log.${number + 1}.gz`)
        move('app.log.1', 'app.log.2')
        append('app.log.1', text(`g${last + 1}`))
        read.push(...(await words()))
        pack('app.log.2')
        read.push(...(await words()))
      }
      expect(read).toEqual(['g1', 'g2', 'g3', 'g4', 'g5'])
      await tail.close()
    })

    test('read each file once when they move on while the agent is down', async () => {
      using dir = tempDir()
      const { tail, append, move, pack, words } = numbered(dir.path, ['app.log.*'])
      append('app.log.2', text('g1'))
      append('app.log.1', text('g2'))
      expect((await words()).toSorted()).toEqual(['g1', 'g2'])
      pack('app.log.2')
      expect(await words()).toEqual([])
      const records = structuredClone(tail.tailer.records())
      move('app.log.2.gz', 'app.log.3.gz')
      move('app.log.1', 'app.log.2')
      pack('app.log.2')
      append('app.log.1', text('g3'))
      await tail.restart(records)
      expect(await words()).toEqual(['g3'])
      await tail.close()
    })

    test('read each file once when the live file is meant by another source', async () => {
      using dir = tempDir()
      const { tail, append, move, pack, words } = numbered(dir.path, ['*.log', '*.log.*'])
      append('app.log', text('g1'))
      expect(await words()).toEqual(['g1'])
      move('app.log', 'app.log.1')
      append('app.log', text('g2'))
      expect(await words()).toEqual(['g2'])
      pack('app.log.1')
      expect(await words()).toEqual([])
      await tail.restart()
      expect(await words()).toEqual([])
      await tail.close()
    })
  })
})

describe('a file that only a pattern means', () => {
  const moves = [
    ['*.log', 'app.log', 'app.log.1'],
    ['*.log', 'app.log', 'app.log.1.gz'],
    ['*.log', 'app-20261120.log', 'app-20261120.log.gz'],
    ['app.log-????????', 'app.log-20261120', 'app.log-20261120.gz'],
    ['**/*.log', 'pod/app.log', 'pod/app.log.1'],
  ] as const

  test.each(moves)(
    '%s: is read on when it was rotated or packed while the agent was down and none took its place (%s, %s)',
    async (pattern, from, to) => {
      using dir = tempDir()
      const { tail, sorted, append, at } = rig(dir.path, [pattern], { goneMs: 0 })
      mkdirSync(at('pod'))
      append(from, 'one\n')
      expect(await sorted()).toEqual(['one'])
      const records = structuredClone(tail.tailer.records())
      append(from, 'two\n')
      if (to.endsWith('.gz')) writeFileSync(at(to), gzipSync(readFileSync(at(from))))
      if (to.endsWith('.gz')) rmSync(at(from))
      else renameSync(at(from), at(to))
      await tail.restart(records)
      expect(await sorted()).toEqual(['two'])
      await tail.restart()
      expect(await sorted()).toEqual([])
      append(from, 'new\n')
      expect(await sorted()).toEqual(['new'])
      for (const name of [from, to]) rmSync(at(name))
      await sorted()
      await sorted()
      expect(tail.tailer.view().flatMap(({ lineages }) => lineages)).toEqual([])
      await tail.close()
    },
  )
})

test.each(['forceBeginning', 'forceEnd'] as const)(
  'what was rotated while the agent was down stays where it is under %s',
  async (startPosition) => {
    using dir = tempDir()
    const { tail, sorted, append, at } = rig(dir.path, [['*.log', { startPosition }]])
    expect(await sorted()).toEqual([])
    append('app.log', 'one\n')
    expect(await sorted()).toEqual(['one'])
    renameSync(at('app.log'), at('app.log.1'))
    await tail.restart()
    expect(await sorted()).toEqual([])
    await tail.close()
  },
)

describe('a file that is renamed to a name that the pattern means, too', () => {
  test.each([false, true])('is read once and in order (restart: %s)', async (restart) => {
    using dir = tempDir()
    const { tail, append, at } = rig(dir.path, ['*.log'])
    append('app.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    for (const turn of [1, 2, 3]) {
      append('app.log', `last ${turn}\n`)
      for (let n = turn - 1; n > 0; n -= 1) renameSync(at(`app-${n}.log`), at(`app-${n + 1}.log`))
      renameSync(at('app.log'), at('app-1.log'))
      append('app.log', `first ${turn}\n`)
      if (restart) await tail.restart()
      expect(await tail.lines()).toEqual([`last ${turn}`, `first ${turn}`])
    }
    append('app-2.log', 'late\n')
    expect(await tail.lines()).toEqual(['late'])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('is not taken for finished: it waits for the end of its last line', async () => {
    using dir = tempDir()
    const { tail, append, at } = rig(dir.path, ['a*'])
    append('a.tmp', 'x\nhal')
    expect(await tail.lines()).toEqual(['x'])
    renameSync(at('a.tmp'), at('a.log'))
    expect(await tail.lines()).toEqual([])
    append('a.log', 'f\n')
    expect(await tail.lines()).toEqual(['half'])
    await tail.restart()
    append('a.log', 'y\n')
    expect(await tail.lines()).toEqual(['y'])
    await tail.close()
  })

  test.each([false, true])(
    'is read once when it is rotated under its new name, over and over (restart: %s)',
    async (restart) => {
      using dir = tempDir()
      const { tail, append, at } = rig(dir.path, ['a*'])
      for (const turn of [1, 2, 3, 4]) {
        append('a.tmp', `${turn} tmp\n`)
        expect(await tail.lines()).toEqual([`${turn} tmp`])
        if (turn > 1) {
          append('a.log', `${turn - 1} last\n`)
          renameSync(at('a.log'), at(`a.log.${10 - turn}`))
        }
        renameSync(at('a.tmp'), at('a.log'))
        append('a.log', `${turn} log\n`)
        if (restart) await tail.restart()
        expect((await tail.lines()).sort()).toEqual([...(turn > 1 ? [`${turn - 1} last`] : []), `${turn} log`])
      }
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      await tail.close()
    },
  )

  test('is found when it was rotated under its new name while nobody looked', async () => {
    using dir = tempDir()
    const { tail, append, at } = rig(dir.path, ['a*'])
    append('a.tmp', 'tmp\n')
    renameSync(at('a.tmp'), at('a.log'))
    expect(await tail.lines()).toEqual(['tmp'])
    append('a.tmp', '2 tmp\n')
    expect(await tail.lines()).toEqual(['2 tmp'])
    renameSync(at('a.log'), at('a.log.1'))
    renameSync(at('a.tmp'), at('a.log'))
    expect(await tail.lines()).toEqual([])
    append('a.log', 'last\n')
    renameSync(at('a.log'), at('a.log.2'))
    append('a.log', 'new\n')
    await tail.restart()
    expect(await tail.lines()).toEqual(['last', 'new'])
    await tail.close()
  })

  test('is known however many there are', async () => {
    using dir = tempDir()
    const { tail, append, at } = rig(dir.path, ['*.log'])
    for (let n = 10; n < 60; n += 1) {
      append('app.log', `${n}\n`)
      renameSync(at('app.log'), at(`app-${n}.log`))
    }
    expect(await tail.lines()).toHaveLength(50)
    append('app.log', 'next\n')
    for (let n = 10; n < 60; n += 1) {
      renameSync(at('app.log'), at(`app-next-${n}.log`))
      append('app.log', `${n}\n`)
      expect(await tail.lines()).toEqual(n === 10 ? ['next', '10'] : [`${n}`])
    }
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('replaces what was there: both are read to their end', async () => {
    using dir = tempDir()
    const { tail, append, at } = rig(dir.path, ['*.log'])
    append('a.log', 'a\n')
    append('b.log', 'b\n')
    expect(await tail.lines()).toEqual(['a', 'b'])
    append('a.log', 'a 2\n')
    append('b.log', 'b 2\n')
    await tail.pass()
    renameSync(at('a.log'), at('b.log'))
    append('b.log', 'a 3\n')
    expect((await tail.lines()).sort()).toEqual(['a 2', 'a 3', 'b 2'])
    append('a.log', 'new a\n')
    append('b.log', 'a 4\n')
    expect((await tail.lines()).sort()).toEqual(['a 4', 'new a'])
    await tail.close()
  })

  test('and then written anew is another file', async () => {
    using dir = tempDir()
    const { tail, append, at } = rig(dir.path, ['*.log'])
    append('a.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    renameSync(at('a.log'), at('b.log'))
    expect(await tail.lines()).toEqual([])
    writeFileSync(at('b.log'), 'c\nd\n')
    expect(await tail.lines()).toEqual(['c', 'd'])
    await tail.close()
  })
})

test('a file goes on under the path that the configuration means now', async () => {
  using dir = tempDir()
  tree(dir.path, ['data/a.log'])
  symlinkSync('data/a.log', join(dir.path, 'link.log'))
  const before = rig(dir.path, ['link.log'])
  expect(await before.tail.lines()).toEqual(['in data/a.log'])
  const records = before.tail.tailer.records()
  await before.tail.close()
  const after = rig(dir.path, ['data/*.log'])
  await after.tail.restart(records)
  expect(await after.tail.lines()).toEqual([])
  after.append('data/a.log', 'next\n')
  expect(await after.tail.lines()).toEqual(['next'])
  await after.tail.close()
})

describe('files that are gone', () => {
  test('leave memory once they are done with; their state stays for when they come back', async () => {
    using dir = tempDir()
    const { tail, append, at, sorted } = rig(dir.path, ['**/*.log'], { goneMs: 0 })
    tree(dir.path, ['x/a.log', 'x/b.log'])
    expect(await sorted()).toEqual(['in x/a.log', 'in x/b.log'])
    renameSync(at('x'), `${dir.path}-away`)
    expect(await sorted()).toEqual([])
    expect(await sorted()).toEqual([])
    expect(tail.tailer.view()[0]?.lineages).toEqual([])
    expect(tail.tailer.openFiles).toBe(0)
    expect(tail.tailer.records()).toHaveLength(2)
    renameSync(`${dir.path}-away`, at('x'))
    append('x/a.log', 'more\n')
    expect(await sorted()).toEqual(['more'])
    await tail.close()
  })

  test('are let go of also when they were closed for others before their directory went', async () => {
    using dir = tempDir()
    const { tail, at, sorted } = rig(dir.path, ['**/*.log'], { goneMs: 0, openFilesLimit: 1 })
    tree(dir.path, ['x/a.log', 'x/b.log', 'y/c.log'])
    expect(await sorted()).toHaveLength(3)
    rmSync(at('x'), { recursive: true })
    for (let n = 0; n < 6; n += 1) await tail.pass()
    expect(tail.tailer.view().flatMap(({ lineages }) => lineages.map(({ options }) => options.path))).toEqual([
      at('y/c.log'),
    ])
    await tail.close()
  })

  test('stay while something of them is not settled', async () => {
    using dir = tempDir()
    const { tail, at } = rig(dir.path, ['*.log'], { goneMs: 0 })
    tree(dir.path, ['a.log'])
    const taken = await tail.read({ settle: false })
    rmSync(at('a.log'))
    for (let n = 0; n < 4; n += 1) await tail.pass()
    expect(tail.tailer.view()[0]?.lineages).toHaveLength(1)
    tail.settle(taken)
    for (let n = 0; n < 6; n += 1) await tail.pass()
    expect(tail.tailer.view()[0]?.lineages).toHaveLength(0)
    await tail.close()
  })
})

describe('a single-file mount', () => {
  test('is warned about, in the log and in the view', async () => {
    using dir = tempDir()
    tree(dir.path, ['a.log', 'b.log'])
    const warnings: string[] = []
    const path = join(dir.path, 'a.log')
    const { tail } = rig(dir.path, ['*.log'], {
      mountPoints: () => new Set(['/', path]),
      log: {
        trace() {},
        debug() {},
        info() {},
        error() {},
        warn: (_: object, message: string) => warnings.push(message),
      },
    })
    await tail.lines()
    expect(tail.tailer.view()[0]?.warnings).toEqual([expect.stringContaining(`${path} is mounted as a single file`)])
    expect(warnings).toHaveLength(1)
    await tail.close()
  })
})

describe.runIf(process.getuid?.() !== 0)('as a user', () => {
  test('a directory without permission is a fault until it has it', async () => {
    using dir = tempDir()
    tree(dir.path, ['x/a.log'])
    const { tail, at } = rig(dir.path, ['x/*.log'])
    chmodSync(at('x'), 0)
    expect(await tail.lines()).toEqual([])
    expect(tail.tailer.view()[0]?.faults).toMatchObject([{ code: 'EACCES' }])
    chmodSync(at('x'), 0o700)
    expect(await tail.lines()).toEqual(['in x/a.log'])
    await tail.close()
  })
})
