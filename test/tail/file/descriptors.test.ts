import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { LogFields } from '../../../src/log.ts'
import { createDescriptors } from '../../../src/tail/file/descriptors.ts'
import { Fault, type Files, nodeFiles } from '../../../src/tail/file/files.ts'
import { birthless, faultyFiles } from '../../support/faulty-files.ts'
import { silentLog, sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

function rig(dir: string, pattern: string, more = {}) {
  const faulty = faultyFiles()
  const tail = tailRig({ dir, sources: [sourceOf(join(dir, pattern))], files: faulty.files, ...more })
  return {
    faulty,
    tail,
    at: (name: string) => join(dir, name),
    append: (name: string, text: string) => appendFileSync(join(dir, name), text),
    sorted: async () => (await tail.lines()).sort(),
    /** What status would show as errors. */
    errors: () =>
      tail.tailer
        .view()
        .flatMap(({ faults, lineages }) => [
          ...faults.map(({ message }) => message),
          ...lineages.flatMap(({ livePath, generations }) => [
            livePath.error,
            ...generations.reading.map(({ fault }) => fault?.message),
          ]),
        ])
        .filter((error) => error !== undefined),
  }
}

describe('more files than may be open', () => {
  const names = Array.from({ length: 40 }, (_, n) => `${String(n).padStart(2, '0')}.log`)

  test('are all read, over and over, with no more open at a time', async () => {
    using dir = tempDir()
    const { faulty, tail, append, sorted } = rig(dir.path, '*.log', { openFilesLimit: 5 })
    for (const turn of [1, 2, 3]) {
      for (const name of names) append(name, `${name} ${turn}\n`)
      expect(await sorted()).toEqual(names.map((name) => `${name} ${turn}`))
    }
    expect(tail.tailer.openFiles).toBeLessThanOrEqual(5)
    // One more for a look at a file that nothing is known of.
    expect(faulty.mostOpen).toBeLessThanOrEqual(6)
    await tail.close()
    expect(faulty.open).toBe(0)
  })

  test('are read for every destination, though one could not open what another then could', async () => {
    using dir = tempDir()
    const { tail, append } = rig(dir.path, '*.log', { openFilesLimit: 1, destinations: ['one', 'two'] })
    for (const name of ['a.log', 'b.log']) append(name, `${name}\n`)
    const readAll = async (destination: string) => {
      const texts: string[] = []
      for (;;) {
        const room = Buffer.alloc(100)
        const chunk = await tail.tailer.feed(destination).read(room)
        if (!chunk) return texts.sort()
        texts.push(room.toString('latin1', 0, chunk.length))
        chunk.take(chunk.length).settle({ deadLetteredBytes: 0, truncatedBytes: 0 })
        chunk.leave('partial')
      }
    }
    await tail.pass()
    const first = await readAll('one')
    expect(first).toHaveLength(1)
    expect(await readAll('two')).toEqual(['a.log\n', 'b.log\n'])
    await tail.pass()
    expect([...first, ...(await readAll('one'))].sort()).toEqual(['a.log\n', 'b.log\n'])
    await tail.close()
  })

  test('wait for their turn while others are unread: it is said, and nothing is lost', async () => {
    using dir = tempDir()
    const { tail, append, errors, sorted, at } = rig(dir.path, '*.log', { openFilesLimit: 5 })
    for (const name of names) append(name, `${name} 1\n`)
    await tail.pass()
    expect(errors()[0]).toContain('all 5 files of open_files_limit are unread')
    for (const name of names.slice(0, 5)) renameSync(at(name), at(`${name}.1`))
    for (const name of names.slice(0, 5)) append(name, `${name} 2\n`)
    expect(await sorted()).toEqual([
      ...names.slice(0, 5).flatMap((name) => [`${name} 1`, `${name} 2`]),
      ...names.slice(5).map((name) => `${name} 1`),
    ])
    expect(errors()).toEqual([])
    await tail.close()
  })
})

test('of the files that are read to their end the one that was read longest ago is closed for another', () => {
  const descriptors = createDescriptors(2)
  const closed: string[] = []
  const hold = (name: string) => {
    const holder = {
      isIdle: true,
      closeContent() {
        closed.push(name)
        descriptors.forget(holder)
      },
    }
    descriptors.add(holder)
    return holder
  }
  const first = hold('first')
  hold('second')
  descriptors.touch(first)
  expect([descriptors.makeRoom(), closed]).toEqual([undefined, ['second']])
})

test('what is read to its end by the next pass is closed for another then', () => {
  const descriptors = createDescriptors(1)
  const holder = { isIdle: false, closeContent: () => descriptors.forget(holder) }
  descriptors.add(holder)
  expect(descriptors.makeRoom()).toMatchObject({ code: 'EMFILE' })
  holder.isIdle = true
  descriptors.begin()
  expect(descriptors.makeRoom()).toBeUndefined()
})

test('a file that could not be opened before it was renamed is not reported lost, also without birth times', async () => {
  using dir = tempDir()
  const losses: unknown[] = []
  const log = { ...silentLog, error: (fields: unknown) => void losses.push(fields) }
  const live = join(dir.path, 'audit.log')
  const rotated = (n: number) => join(dir.path, `audit-2026-11-20T14-33-4${n}.420.log`)
  const tail = tailRig({ dir: dir.path, files: birthless(nodeFiles), log, openFilesLimit: 1 })
  appendFileSync(live, 'a\n')
  await tail.pass()
  renameSync(live, rotated(1))
  appendFileSync(live, 'b\n')
  renameSync(live, rotated(2))
  await tail.pass()
  renameSync(rotated(2), live)
  expect(await tail.lines()).toEqual(['a', 'b'])
  expect(await tail.lines()).toEqual([])
  expect(losses).toEqual([])
  await tail.close()
})

test('a rotated file that could not be held open before it was packed is read from the archive and not reported lost', async () => {
  using dir = tempDir()
  const losses: unknown[] = []
  const log = { ...silentLog, error: (fields: unknown) => void losses.push(fields) }
  const live = join(dir.path, 'audit.log')
  const rotated = (n: number) => join(dir.path, `audit-2026-11-20T14-33-4${n}.420.log`)
  const tail = tailRig({ dir: dir.path, log, openFilesLimit: 1 })
  for (const [index, line] of ['a\n', 'b\n'].entries()) {
    appendFileSync(live, line)
    await tail.pass()
    renameSync(live, rotated(index + 1))
  }
  await tail.pass()
  writeFileSync(`${rotated(2)}.gz`, gzipSync(readFileSync(rotated(2))))
  rmSync(rotated(2))
  expect(await tail.lines()).toEqual(['a', 'b'])
  expect(losses).toEqual([])
  await tail.close()
})

test('an archive that has got the inode of a live file that was not held open is read as an archive', async () => {
  using dir = tempDir()
  const live = join(dir.path, 'audit.log')
  const rotated = join(dir.path, 'audit-2026-11-20T14-33-41.420.log')
  const shared = [live, `${rotated}.gz`]
  const paths = new Map<number, string>()
  const withShared = <T>(path: string | undefined, facts: T): T =>
    facts instanceof Fault || !shared.includes(path ?? '') ? facts : { ...facts, ino: '7' }
  const plain = birthless(nodeFiles)
  const files: Files = {
    ...plain,
    stat: (path) => withShared(path, plain.stat(path)),
    facts: (fd) => withShared(paths.get(fd), plain.facts(fd)),
    open(path) {
      const fd = plain.open(path)
      if (typeof fd === 'number') paths.set(fd, path)
      return fd
    },
  }
  const tail = tailRig({ dir: dir.path, files, openFilesLimit: 1 })
  appendFileSync(live, 'a\n')
  await tail.pass()
  renameSync(live, rotated)
  writeFileSync(live, '')
  await tail.pass()
  rmSync(live)
  writeFileSync(`${rotated}.gz`, gzipSync(readFileSync(rotated)))
  rmSync(rotated)
  expect(await tail.lines()).toEqual(['a'])
  await tail.close()
})

test('a copy of a live file that could not be held open is left alone', async () => {
  using dir = tempDir()
  const { tail, append, at, errors } = rig(dir.path, 'audit.log', { openFilesLimit: 1 })
  append('audit.log', 'a\n')
  await tail.pass()
  renameSync(at('audit.log'), at('audit.log.2'))
  append('audit.log', 'b\n')
  await tail.pass()
  expect(errors()[0]).toContain('all 1 files of open_files_limit are unread')
  copyFileSync(at('audit.log'), at('audit.log.1'))
  await tail.pass()
  expect(await tail.lines()).toEqual(['a', 'b'])
  truncateSync(at('audit.log'))
  append('audit.log', 'c\n')
  expect(await tail.lines()).toEqual(['c'])
  expect(errors()).toEqual([])
  await tail.close()
})

test('a file whose closing is refused, as FUSE and NFS may, is let go of, and what comes next is read', async () => {
  using dir = tempDir()
  // No descriptor is that high: it is refused with EBADF.
  const files: Files = {
    ...nodeFiles,
    close(fd) {
      nodeFiles.close(fd)
      nodeFiles.close(2 ** 30)
    },
  }
  const { tail, append, at } = rig(dir.path, 'audit.log', { files })
  append('audit.log', 'a\n')
  expect(await tail.lines()).toEqual(['a'])
  renameSync(at('audit.log'), at('audit.log.1'))
  append('audit.log', 'b\n')
  expect(await tail.lines()).toEqual(['b'])
  expect(tail.tailer.openFiles).toBe(1)
  await tail.close()
})

test('a busy file leaves the quiet ones their turn', async () => {
  using dir = tempDir()
  const { tail, append } = rig(dir.path, '*.log')
  append('busy.log', 'busy\n'.repeat(100_000))
  for (const name of ['q1.log', 'q2.log', 'q3.log']) append(name, `${name}\n`)
  await tail.pass()
  const feed = tail.tailer.feed('main')
  const turns: string[] = []
  for (let turn = 0; turn < 12; turn += 1) {
    const chunk = await feed.read(Buffer.alloc(1000))
    if (!chunk) break
    turns.push(chunk.origin.path.slice(dir.path.length + 1))
    chunk.take(chunk.length - (chunk.length % 5)).settle({ deadLetteredBytes: 0, truncatedBytes: 0 })
    chunk.leave('partial')
    append('busy.log', 'busy\n'.repeat(1000))
    if (turn === 5) {
      append('q2.log', 'more\n')
      await tail.pass()
    }
  }
  expect(turns.slice(0, 4).sort()).toEqual(['busy.log', 'q1.log', 'q2.log', 'q3.log'])
  expect(turns.slice(6, 8)).toContain('q2.log')
  await tail.close()
})

describe('what cannot be done for a while is said, tried again, and loses nothing:', () => {
  const settled = async (dir: string) => {
    const rigged = rig(dir, '**/*.log')
    mkdirSync(join(dir, 'x'))
    rigged.append('x/a.log', 'a\n')
    expect(await rigged.tail.lines()).toEqual(['a'])
    return rigged
  }

  test('EMFILE when a new file is opened', async () => {
    using dir = tempDir()
    const { faulty, tail, append, errors } = await settled(dir.path)
    faulty.refuse(['open'], 'EMFILE')
    append('x/b.log', 'b\n')
    expect(await tail.lines()).toEqual([])
    expect(errors()).toEqual([expect.stringContaining('EMFILE')])
    faulty.allow()
    expect(await tail.lines()).toEqual(['b'])
    expect(errors()).toEqual([])
    await tail.close()
  })

  test('in the log once, when it lasts, and once when it is over', async () => {
    using dir = tempDir()
    const lines: unknown[] = []
    const tell = (level: string) => (fields: LogFields, message: string) =>
      lines.push([level, fields.path, fields.reason, message])
    const log = { ...silentLog, warn: tell('warn'), info: tell('info') }
    const { faulty, tail, append, at } = rig(dir.path, 'a.log', { log })
    append('a.log', 'a\n')
    faulty.refuse(['open'], 'EACCES')
    await tail.pass()
    expect(lines).toEqual([])
    for (let look = 0; look < 3; look += 1) await tail.pass()
    faulty.allow()
    for (let look = 0; look < 3; look += 1) await tail.pass()
    expect(lines).toEqual([
      [
        'warn',
        at('a.log'),
        expect.stringContaining('EACCES'),
        'it cannot be read at present and will be tried again: its position is kept',
      ],
      ['info', at('a.log'), undefined, 'it can be read again'],
    ])
    await tail.close()
  })

  test('a directory that cannot be listed is in the log, too', async () => {
    using dir = tempDir()
    const warnings: unknown[] = []
    const log = { ...silentLog, warn: ({ path, reason }: LogFields) => warnings.push([path, reason]) }
    const { faulty, tail, at } = rig(dir.path, '*.log', { log })
    faulty.refuse(['list'], 'EACCES')
    for (let look = 0; look < 3; look += 1) await tail.pass()
    expect(warnings).toEqual([[at('*.log'), expect.stringContaining('EACCES')]])
    await tail.close()
  })

  test('EMFILE when a file is opened again', async () => {
    using dir = tempDir()
    const { faulty, tail, append, errors } = await settled(dir.path)
    await tail.restart()
    faulty.refuse(['open'], 'EMFILE')
    append('x/a.log', 'b\n')
    expect(await tail.lines()).toEqual([])
    expect(errors()[0]).toContain('EMFILE')
    faulty.allow()
    expect(await tail.lines()).toEqual(['b'])
    await tail.close()
  })

  test.each([['readSync'], ['read', 'readSync'], ['facts']] as const)('EIO at %s', async (...calls) => {
    using dir = tempDir()
    const { faulty, tail, append, errors, at } = await settled(dir.path)
    faulty.refuse(calls, 'EIO')
    append('x/a.log', 'b\n')
    const meanwhile = await tail.lines()
    renameSync(at('x/a.log'), at('x/a.log.1'))
    append('x/a.log', 'c\n')
    meanwhile.push(...(await tail.lines()))
    expect(errors()).toContainEqual(expect.stringContaining('EIO'))
    faulty.allow()
    expect([...meanwhile, ...(await tail.lines())]).toEqual(['b', 'c'])
    expect(errors()).toEqual([])
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('EIO at the start: what is unread in the live file is not reported as gone', async () => {
    using dir = tempDir()
    const losses: unknown[] = []
    const log = { ...silentLog, error: (fields: unknown) => void losses.push(fields) }
    const { faulty, tail, append, errors } = rig(dir.path, 'a.log', { log })
    append('a.log', 'a\n')
    await tail.pass()
    faulty.refuse(['read', 'readSync'], 'EIO')
    await tail.restart()
    for (let look = 0; look < 3; look += 1) await tail.pass()
    expect(errors()[0]).toContain('EIO')
    faulty.allow()
    expect(await tail.lines()).toEqual(['a'])
    expect(losses).toEqual([])
    await tail.close()
  })

  test('EIO in a file that was empty before, also over a rotation and a restart without birth times', async () => {
    using dir = tempDir()
    const losses: unknown[] = []
    const log = { ...silentLog, error: (fields: unknown) => void losses.push(fields) }
    const { files, refuse, allow } = faultyFiles()
    const { tail, append, at } = rig(dir.path, 'a.log', { log, files: birthless(files) })
    append('a.log', '')
    await tail.pass()
    refuse(['read', 'readSync'], 'EIO')
    append('a.log', 'a\n')
    renameSync(at('a.log'), at('a.log.1'))
    await tail.pass()
    await tail.restart()
    await tail.pass()
    allow()
    expect(await tail.lines()).toEqual(['a'])
    for (let look = 0; look < 3; look += 1) await tail.pass()
    expect(losses).toEqual([])
    await tail.close()
  })

  test('EIO while a file is looked at in which nothing is new', async () => {
    using dir = tempDir()
    const { faulty, tail, append, errors, at } = rig(dir.path, 'a.log')
    append('a.log', 'a\n')
    // So old that its time of modification is believed.
    utimesSync(at('a.log'), 1, 1)
    expect(await tail.lines()).toEqual(['a'])
    faulty.refuse(['readSync'], 'EIO')
    append('a.log.1', 'b\n')
    await tail.pass()
    expect(errors()[0]).toContain('EIO')
    faulty.allow()
    expect(await tail.lines()).toEqual(['b'])
    expect(errors()).toEqual([])
    await tail.close()
  })

  describe('EIO when lines are taken in front of so much that they cannot be recognised by what was seen last:', () => {
    /** Takes the line `c` of a file in which 2000 bytes of another one follow. */
    async function taken(dir: string) {
      const losses: unknown[] = []
      const log = { ...silentLog, error: (fields: unknown) => void losses.push(fields) }
      const rigged = rig(dir, 'a.log', { log })
      const { tail, append, faulty } = rigged
      append('a.log', 'a\nb\n')
      expect(await tail.lines()).toEqual(['a', 'b'])
      append('a.log', `c\n${'d'.repeat(2000)}`)
      await tail.pass()
      const chunk = await tail.tailer.feed('main').read(Buffer.alloc(4096))
      faulty.refuse(['readSync'], 'EIO')
      const part = chunk?.take(2)
      faulty.allow()
      chunk?.leave('partial')
      part?.settle({ deadLetteredBytes: 0, truncatedBytes: 0 })
      append('a.log', '\ne\n')
      return { ...rigged, losses }
    }
    const rest = ['d'.repeat(2000), 'e']

    test('what follows is read on, once', async () => {
      using dir = tempDir()
      const { tail, losses } = await taken(dir.path)
      expect(await tail.lines()).toEqual(rest)
      await tail.restart()
      expect(await tail.lines()).toEqual([])
      expect(losses).toEqual([])
      await tail.close()
    })

    test('after a restart the taken lines come again, and none before them', async () => {
      using dir = tempDir()
      const { tail, losses } = await taken(dir.path)
      await tail.restart()
      expect(await tail.lines()).toEqual(['c', ...rest])
      expect(losses).toEqual([])
      await tail.close()
    })

    test('a copy is known to hold them, and not another file that begins just so', async () => {
      using dir = tempDir()
      const { tail, at, append, losses } = await taken(dir.path)
      copyFileSync(at('a.log'), at('a.log.1'))
      writeFileSync(at('a.log'), 'a\nb\nx\n')
      expect((await tail.lines()).toSorted()).toEqual(['a', 'b', 'x', ...rest].toSorted())
      append('a.log', 'y\n')
      expect(await tail.lines()).toEqual(['y'])
      expect(losses).toEqual([])
      await tail.close()
    })
  })

  test.each(['audit.log', 'audit.log.1.gz'])('EIO in the middle of %s', async (name) => {
    using dir = tempDir()
    const lines = Array.from({ length: 300 }, () => randomBytes(500).toString('hex'))
    const text = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    writeFileSync(join(dir.path, name), name.endsWith('.gz') ? gzipSync(text) : text)
    let isSick = false
    const fault = (position: number) => (isSick && position >= 65_536 ? new Fault('EIO', 'EIO: read') : undefined)
    const files: Files = {
      ...nodeFiles,
      read: async (fd, into, position) => fault(position) ?? nodeFiles.read(fd, into, position),
      readSync: (fd, into, position) => fault(position) ?? nodeFiles.readSync(fd, into, position),
    }
    const source = sourceOf(join(dir.path, 'audit.log'), { backfill: true })
    const tail = tailRig({ dir: dir.path, sources: [source], files })
    const faults = () =>
      tail.tailer
        .view()
        .flatMap(({ lineages }) =>
          lineages.flatMap(({ generations }) => generations.reading.map(({ fault }) => fault?.code)),
        )
    await tail.pass()
    isSick = true
    const before = await tail.lines()
    expect(before.length).toBeLessThan(lines.length)
    expect(faults()).toEqual(['EIO'])
    expect(await tail.lines()).toEqual([])
    isSick = false
    expect([...before, ...(await tail.lines())]).toEqual(lines)
    expect(faults().filter((code) => code !== undefined)).toEqual([])
    await tail.close()
  })

  test.each([['list'], ['list', 'stat'], ['list', 'stat', 'open', 'realpath']] as const)(
    'EACCES for a directory at %s',
    async (...calls) => {
      using dir = tempDir()
      const { faulty, tail, append, errors, sorted } = await settled(dir.path)
      append('x/a.log', 'b\n')
      append('x/b.log', 'c\n')
      faulty.refuse(calls, 'EACCES', (path) => path.startsWith(join(dir.path, 'x')))
      const meanwhile = await sorted()
      expect(errors()[0]).toContain('EACCES')
      expect(await sorted()).toEqual([])
      faulty.allow()
      expect([...meanwhile, ...(await sorted())].sort()).toEqual(['b', 'c'])
      expect(errors()).toEqual([])
      await tail.close()
    },
  )

  test('EACCES for a directory at the start: nothing recorded is forgotten', async () => {
    using dir = tempDir()
    const { faulty, tail, append, errors } = await settled(dir.path)
    faulty.refuse(['list', 'stat', 'open', 'realpath'], 'EACCES', (path) => path.startsWith(join(dir.path, 'x')))
    await tail.restart()
    for (let n = 0; n < 3; n += 1) expect(await tail.lines()).toEqual([])
    expect(errors()[0]).toContain('EACCES')
    await tail.restart()
    expect(await tail.lines()).toEqual([])
    faulty.allow()
    append('x/a.log', 'b\n')
    expect(await tail.lines()).toEqual(['b'])
    await tail.close()
  })

  test.each(['EACCES', 'EIO'])('%s for the live file alone, which is rotated meanwhile', async (code) => {
    using dir = tempDir()
    const { faulty, tail, append, errors, at } = await settled(dir.path)
    append('x/a.log', 'b\n')
    faulty.refuse(['stat', 'open'], code, at('x/a.log'))
    const meanwhile = await tail.lines()
    expect(errors()[0]).toContain(code)
    renameSync(at('x/a.log'), at('x/a.log.1'))
    append('x/a.log', 'c\n')
    meanwhile.push(...(await tail.lines()))
    faulty.allow()
    expect([...meanwhile, ...(await tail.lines())]).toEqual(['b', 'c'])
    await tail.close()
  })

  test('ENOENT for the whole directory, as when it is unmounted', async () => {
    using dir = tempDir()
    const { tail, append, at } = await settled(dir.path)
    renameSync(at('x'), `${dir.path}-away`)
    mkdirSync(at('x'))
    for (let n = 0; n < 6; n += 1) expect(await tail.lines()).toEqual([])
    rmSync(at('x'), { recursive: true })
    renameSync(`${dir.path}-away`, at('x'))
    expect(await tail.lines()).toEqual([])
    append('x/a.log', 'b\n')
    expect(await tail.lines()).toEqual(['b'])
    await tail.close()
  })

  test('a directory in place of the file', async () => {
    using dir = tempDir()
    const { tail, append, errors, at } = await settled(dir.path)
    const source = rig(dir.path, 'x/a.log')
    rmSync(at('x/a.log'))
    mkdirSync(at('x/a.log'))
    expect(await source.tail.lines()).toEqual([])
    expect(source.errors()).toEqual(['it is a directory'])
    rmSync(at('x/a.log'), { recursive: true })
    writeFileSync(at('x/a.log'), 'b\n')
    expect(await source.tail.lines()).toEqual(['b'])
    expect(source.errors()).toEqual([])
    expect(errors()).toEqual([])
    append('x/a.log', 'c\n')
    expect(await source.tail.lines()).toEqual(['c'])
    await source.tail.close()
    await tail.close()
  })
})
