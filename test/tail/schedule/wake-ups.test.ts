import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SourceConfig } from '../../../src/config/config.ts'
import { createWakeUps, type WakeUpsOptions } from '../../../src/tail/schedule/wake-ups.ts'
import { createTailer } from '../../../src/tail/tailer.ts'
import { silentLog, sourceOf } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { until } from '../../support/until.ts'

describe('wake-ups', () => {
  function wakeUps(log: WakeUpsOptions['log'] = silentLog) {
    const events = new Set<string>()
    let now = 0
    const port = createWakeUps({ log, onPath: (path, event) => void events.add(`${event} ${path}`), now: () => now })
    return {
      events,
      port,
      pass: (ms: number) => {
        now += ms
      },
      /** Does `act` until its event comes: watching begins some time after `watch`. */
      seen: (event: string, act: () => void) =>
        until(() => {
          act()
          return events.has(event)
        }),
    }
  }

  test('tell of files in a watched directory: written, made, renamed, removed', async () => {
    using dir = tempDir()
    const { port, seen } = wakeUps()
    const path = join(dir.path, 'a.log')
    port.watch(new Set([dir.path]))
    await seen(`other ${path}`, () => {
      rmSync(path, { force: true })
      writeFileSync(path, '')
    })
    await seen(`change ${path}`, () => appendFileSync(path, 'x'))
    await seen(`other ${path}.1`, () => {
      renameSync(path, `${path}.1`)
      writeFileSync(path, '')
    })
    await port.close()
  })

  test('tell nothing of directories that are not watched, or not any more', async () => {
    using dir = tempDir()
    const { port, seen, events } = wakeUps()
    for (const name of ['a', 'a/deep', 'b', 'c']) mkdirSync(join(dir.path, name))
    const touch = (name: string) => () => appendFileSync(join(dir.path, name), 'x')
    port.watch(new Set(['a', 'b'].map((name) => join(dir.path, name))))
    await seen(`change ${join(dir.path, 'b/x')}`, touch('b/x'))
    port.watch(new Set([join(dir.path, 'a')]))
    await seen(`change ${join(dir.path, 'a/x')}`, touch('a/x'))
    events.clear()
    for (const name of ['a/deep/y', 'b/y', 'c/y']) touch(name)()
    await seen(`change ${join(dir.path, 'a/y')}`, touch('a/y'))
    expect(
      [...events].filter((event) => /\/(b|c|deep\/y)/.test(event.slice(event.indexOf(dir.path) + dir.path.length))),
    ).toEqual([])
    await port.close()
  })

  test('go on when a directory is replaced by another of its name', async () => {
    using dir = tempDir()
    const { port, seen, events } = wakeUps()
    const path = join(dir.path, 'x')
    const touch = () => appendFileSync(join(path, 'a.log'), 'x')
    mkdirSync(path)
    port.watch(new Set([path]))
    await seen(`change ${join(path, 'a.log')}`, touch)
    rmSync(path, { recursive: true })
    mkdirSync(path)
    events.clear()
    await seen(`change ${join(path, 'a.log')}`, touch)
    await port.close()
  })

  test('go on after many directories have come and gone', async () => {
    using dir = tempDir()
    const { port, seen } = wakeUps()
    const path = join(dir.path, 'stays')
    mkdirSync(path)
    for (let n = 0; n < 300; n += 1) port.watch(new Set([path, join(dir.path, String(n))]))
    port.watch(new Set([path]))
    await seen(`change ${join(path, 'a.log')}`, () => appendFileSync(join(path, 'a.log'), 'x'))
    await port.close()
  })

  describe('of very many directories', () => {
    /** `count` directories, and how to see that one of them is watched. */
    function many(count: number, parent: string) {
      const paths = Array.from({ length: count }, (_, n) => join(parent, String(n)))
      for (const path of paths) mkdirSync(path)
      return { paths, last: paths.at(-1) ?? '' }
    }
    const touched = (directory: string) => appendFileSync(join(directory, 'a.log'), 'x')

    test('come from all of them in the end', async () => {
      using dir = tempDir()
      const { port, seen } = wakeUps()
      const { paths, last } = many(200, dir.path)
      port.watch(new Set(paths))
      expect(port.isIncomplete).toBe(true)
      await until(() => !port.isIncomplete)
      await seen(`change ${join(last, 'a.log')}`, () => touched(last))
      await port.close()
    })

    test('do not come from those that were given up before their turn', async () => {
      using dir = tempDir()
      const { port, seen, events } = wakeUps()
      const { paths, last } = many(200, dir.path)
      const [first = ''] = paths
      port.watch(new Set(paths))
      port.watch(new Set([first]))
      expect(port.isIncomplete).toBe(false)
      const others = wakeUps()
      others.port.watch(new Set([last]))
      await others.seen(`change ${join(last, 'a.log')}`, () => touched(last))
      await seen(`change ${join(first, 'a.log')}`, () => touched(first))
      expect([...events].filter((event) => event.includes(last))).toEqual([])
      await Promise.all([port.close(), others.port.close()])
    })
  })

  test('say once that some cannot be had, and try again', async () => {
    using dir = tempDir()
    const warnings: unknown[] = []
    const { port, pass, seen } = wakeUps({ ...silentLog, warn: ({ code }) => void warnings.push(code) })
    const impossible = ['x', 'y'].map((name) => join(dir.path, name.repeat(300)))
    port.watch(new Set([dir.path, ...impossible.slice(0, 1)]))
    await until(() => port.isIncomplete)
    await seen(`change ${join(dir.path, 'a.log')}`, () => appendFileSync(join(dir.path, 'a.log'), 'x'))
    pass(60_000)
    port.watch(new Set([dir.path]))
    expect(port.isIncomplete).toBe(false)
    port.watch(new Set([dir.path, ...impossible]))
    await until(() => port.isIncomplete)
    expect(warnings).toEqual(['ENAMETOOLONG'])
    await port.close()
  })
})

describe('a running tail', () => {
  interface Setting {
    /** Without ticks everything depends on events. */
    readonly tickMs?: number
    readonly isIncomplete?: boolean
  }

  /** A tail that polls and reads, with wake-ups that come by hand; `real`: as they come. */
  async function running(
    source: SourceConfig,
    { tickMs, isIncomplete = false, real = false }: Setting & { real?: boolean } = {},
  ) {
    let watched: ReadonlySet<string> = new Set()
    let event: WakeUpsOptions['onPath'] = () => {}
    const tailer = createTailer({
      sources: [source],
      destinations: ['main'],
      records: [],
      openFilesLimit: 100,
      expireAfterMs: 1e12,
      onChange() {},
      log: silentLog,
      mountPoints: () => new Set<string>(),
      ...(tickMs === undefined ? {} : { tickMs }),
      ...(real
        ? {}
        : {
            wakeUps: ({ onPath }) => {
              event = onPath
              const watch = (directories: ReadonlySet<string>) => {
                watched = directories
              }
              return { watch, isIncomplete, close: async () => {} }
            },
          }),
    })
    const stopping = new AbortController()
    const lines: string[] = []
    const feed = tailer.feed('main')
    async function read(): Promise<void> {
      const room = Buffer.alloc(4096)
      while (!stopping.signal.aborted) {
        const chunk = await feed.read(room)
        if (!chunk) {
          await feed.ready(stopping.signal)
          continue
        }
        const end = room.subarray(0, chunk.length).lastIndexOf(10) + 1
        if (end > 0) {
          lines.push(...room.toString('utf8', 0, end).split('\n').slice(0, -1))
          chunk.take(end).settle({ deadLetteredBytes: 0, truncatedBytes: 0 })
        }
        chunk.leave('partial')
      }
    }
    // As the agent does: it knows its files before it begins.
    await tailer.pass()
    tailer.start()
    const reading = read()
    return {
      tailer,
      lines,
      event: (path: string, kind: 'change' | 'other') => event(path, kind),
      watched: () => [...watched].sort(),
      seen: (line: string) => until(() => lines.includes(line)),
      async [Symbol.asyncDispose]() {
        stopping.abort()
        await reading
        await tailer.stop()
        tailer.close()
      },
    }
  }

  test('reads what is written and rotated, by the events of the system alone', async () => {
    using dir = tempDir()
    const path = join(dir.path, 'a.log')
    writeFileSync(path, '1\n')
    await using tail = await running(sourceOf(join(dir.path, '*.log')), { tickMs: 1e9, real: true })
    await tail.seen('1')
    // Watching begins some time later; then nothing is lost any more.
    await until(() => {
      appendFileSync(path, 'x\n')
      return tail.lines.includes('x')
    })
    appendFileSync(path, '2\n')
    await tail.seen('2')
    renameSync(path, `${path}.1`)
    writeFileSync(path, '3\n')
    await tail.seen('3')
    appendFileSync(`${path}.1`, 'late\n')
    await tail.seen('late')
  })

  test.each([false, true])('reads the same by polling alone (events incomplete: %s)', async (isIncomplete) => {
    using dir = tempDir()
    const path = join(dir.path, 'a.log')
    await using tail = await running(sourceOf(join(dir.path, '*.log')), { isIncomplete })
    writeFileSync(path, '1\n')
    await tail.seen('1')
    appendFileSync(path, '2\n')
    renameSync(path, `${path}.1`)
    writeFileSync(path, '3\n')
    await tail.seen('3')
    expect(tail.lines).toEqual(['1', '2', '3'])
  })

  test('watches where files are, where they may appear, and what has to appear first', async () => {
    using dir = tempDir()
    mkdirSync(join(dir.path, 'pods/a'), { recursive: true })
    writeFileSync(join(dir.path, 'pods/a/1.log'), '')
    await using found = await running(sourceOf(join(dir.path, 'pods/*/*.log')))
    expect(found.watched()).toEqual([join(dir.path, 'pods'), join(dir.path, 'pods/a')])
    for (const pattern of ['not/there/a.log', 'not/there/*.log', 'not/*/a.log']) {
      await using missing = await running(sourceOf(join(dir.path, pattern)))
      expect(missing.watched()).toEqual([dir.path])
    }
  })

  test('looks for new files when a name appears that may be one', async () => {
    using dir = tempDir()
    await using tail = await running(sourceOf(join(dir.path, 'x/*.log')), { tickMs: 1e9 })
    mkdirSync(join(dir.path, 'x'))
    tail.event(join(dir.path, 'x'), 'other')
    await until(() => tail.watched().includes(join(dir.path, 'x')))
    writeFileSync(join(dir.path, 'x/a.log'), '1\n')
    tail.event(join(dir.path, 'x/a.log'), 'other')
    await tail.seen('1')
  })

  test('looks again at the files of a directory that came back', async () => {
    using dir = tempDir()
    const path = join(dir.path, 'x/a.log')
    mkdirSync(join(dir.path, 'x'))
    writeFileSync(path, '1\n')
    await using tail = await running(sourceOf(path), { tickMs: 1e9 })
    await tail.seen('1')
    rmSync(join(dir.path, 'x'), { recursive: true })
    mkdirSync(join(dir.path, 'x'))
    writeFileSync(path, '2\n')
    tail.event(join(dir.path, 'x'), 'other')
    await tail.seen('2')
  })
})
