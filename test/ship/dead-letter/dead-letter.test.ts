import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, statSync } from 'node:fs'
import {
  appendFile,
  mkdir,
  mkdtemp,
  open as openDirectory,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate, setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDeadLetter } from '../../../src/ship/dead-letter/dead-letter.ts'
import { decodeEntry, encodeEntry } from '../../../src/ship/dead-letter/entry.ts'
import { readDeadLetter } from '../../../src/ship/dead-letter/reading.ts'
import { entryOf } from './entries.ts'

let root: string
let dir: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dead-letter-'))
  dir = join(root, 'dead-letter', 'intake')
})

afterEach(() => rm(root, { recursive: true, force: true }))

const open = (more: { maxBytes?: number; segmentBytes?: number } = {}) =>
  openDeadLetter({ dir, maxBytes: 1_000_000, ...more })
const read = (name: string) => readFile(join(dir, name), 'utf8')
const sizeOf = (line: string) => encodeEntry(entryOf(line)).length

describe('an entry', () => {
  it('is a line of JSON that says where the bytes came from and why they are here', () => {
    const entry = entryOf('{"a":"\u2028\n"}', { status: 413, start: 10, end: 21 })

    expect(encodeEntry(entry).toString()).toBe(
      '{"v":1,"at":"2026-11-05T10:00:00.000Z","reason":"rejected: 400","path":"/var/log/audit.log","generation":"g1",' +
        '"start":10,"end":21,"batchId":"b1","status":413,"line":"{\\"a\\":\\"\u2028\\n\\"}"}\n',
    )
  })

  it('holds a line that is not UTF-8 as base64', () => {
    const json = JSON.parse(encodeEntry(entryOf(Buffer.from([0x7b, 0xff, 0x7d]))).toString())

    expect(json).toMatchObject({ lineBase64: 'e/99' })
    expect(json).not.toHaveProperty('line')
  })

  it('gives back every byte of every line', () => {
    const lines = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 30 })
        .map((points) => Buffer.from(String.fromCodePoint(...points))),
      fc.constant(Buffer.from('\ufeffwith a byte order mark')),
    )
    const more = fc.record({ status: fc.integer({ min: 100, max: 599 }), record: fc.nat() }, { requiredKeys: [] })
    fc.assert(
      fc.property(lines, more, (line, more) => {
        const entry = entryOf(line, more)
        const text = encodeEntry(entry).toString()
        expect(text.indexOf('\n')).toBe(text.length - 1)
        const { line: decoded, ...rest } = decodeEntry(text) ?? entryOf('')
        expect(Buffer.from(decoded).toString('hex')).toBe(Buffer.from(line).toString('hex'))
        expect({ ...rest, line }).toEqual({ ...entry, line })
      }),
    )
  })

  it.each(['', 'null', '[]', '{"v":1}', '{"v":2,"line":"x"}', '{"v":1,"at":"x', '\0\0\0'])(
    'is not read from %j',
    (line) => {
      expect(decodeEntry(line)).toBeUndefined()
    },
  )

  it.each([
    { v: 2 },
    { at: 'some day' },
    { at: 7 },
    { reason: 7 },
    { path: null },
    { generation: 7 },
    { start: '0' },
    { end: null },
    { batchId: 7 },
    { line: 7 },
  ])('is not read from one with %j', (spoilt) => {
    const fields = JSON.parse(encodeEntry(entryOf('x')).toString())
    expect(decodeEntry(JSON.stringify(fields))).toEqual(entryOf('x'))
    expect(decodeEntry(JSON.stringify({ ...fields, ...spoilt }))).toBeUndefined()
  })
})

describe('a dead letter directory', () => {
  it('is not there before the first entry', async () => {
    const deadLetter = await open()

    expect([deadLetter.bytes, deadLetter.records]).toEqual([0, 0])
    expect(await readdir(root)).toEqual([])
  })

  it('stores entries in one segment, for the owner alone', async () => {
    const deadLetter = await open()

    const first = await deadLetter.write([entryOf('one'), entryOf('two')])
    const second = await deadLetter.write([entryOf('three')])

    const expected = ['one', 'two', 'three'].map((line) => encodeEntry(entryOf(line)).toString())
    expect(await readdir(dir)).toEqual(['00000001.ndjson'])
    expect(await read('00000001.ndjson')).toBe(expected.join(''))
    expect([first, second]).toEqual([{ kind: 'stored' }, { kind: 'stored' }])
    expect([deadLetter.bytes, deadLetter.records]).toEqual([expected.join('').length, 3])
    expect([(await stat(dir)).mode & 0o777, (await stat(join(dir, '00000001.ndjson'))).mode & 0o777]).toEqual([
      0o700, 0o600,
    ])
  })

  it.runIf(process.platform === 'linux')('says that a directory was removed which it is in', async () => {
    const handle = await openDirectory(root)
    await rm(root, { recursive: true })
    // As a mount does, this leads to it still.
    dir = `/proc/self/fd/${handle.fd}/dead-letter/intake`
    const deadLetter = await open()

    expect(await deadLetter.write([entryOf('one')])).toMatchObject({ kind: 'failed', code: 'ENOENT' })
    await handle.close()
  })

  it('goes on after a restart, with what it holds counted', async () => {
    await (await open()).write([entryOf('one'), entryOf('größe \u2028')])

    const deadLetter = await open()

    expect([deadLetter.bytes, deadLetter.records]).toEqual([(await stat(join(dir, '00000001.ndjson'))).size, 2])
    await deadLetter.write([entryOf('three')])
    expect(await readdir(dir)).toEqual(['00000001.ndjson'])
    expect(deadLetter.records).toBe(3)
  })

  it('starts a segment when the last one has its size', async () => {
    const deadLetter = await open({ segmentBytes: sizeOf('line 1') + 1 })
    for (let n = 1; n <= 5; n++) await deadLetter.write([entryOf(`line ${n}`)])

    expect(await readdir(dir)).toEqual(['00000001.ndjson', '00000002.ndjson', '00000003.ndjson'])
    expect((await read('00000002.ndjson')).match(/line \d/g)).toEqual(['line 3', 'line 4'])
    expect(await open()).toMatchObject({ records: 5, bytes: deadLetter.bytes })
  })

  it('makes no segment larger than that by more than an entry, however many come at once', async () => {
    const deadLetter = await open({ segmentBytes: sizeOf('line 1') + 1 })

    const lines = [1, 2, 3, 4, 5].map((n) => entryOf(`line ${n}`))
    expect(await deadLetter.write(lines)).toEqual({ kind: 'stored' })

    const texts = await Promise.all((await readdir(dir)).toSorted().map(read))
    expect(texts.map(({ length }) => length / sizeOf('line 1'))).toEqual([2, 2, 1])
    expect(texts.join('').match(/line \d/g)).toEqual([1, 2, 3, 4, 5].map((n) => `line ${n}`))
    expect(await open()).toMatchObject({ records: 5, bytes: deadLetter.bytes })
  })

  it('keeps its segments near their size when a batch of very many entries comes', async () => {
    const deadLetter = await open({ maxBytes: 1e9 })

    await deadLetter.write(Array.from({ length: 100_000 }, () => entryOf('-')))

    const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size))
    expect(Math.max(...sizes)).toBeLessThan(9.5 * 1024 * 1024)
    expect(await open({ maxBytes: 1e9 })).toMatchObject({ records: 100_000, bytes: deadLetter.bytes })
  })

  it('is full rather than larger than its limit: it takes what fits and tells how much that was', async () => {
    const deadLetter = await open({ maxBytes: 3 * sizeOf('1') })

    expect(await deadLetter.write([entryOf('1')])).toMatchObject({ kind: 'stored' })
    const more = ['2', '3', '4', '5'].map((line) => entryOf(line))
    expect(await deadLetter.write(more)).toEqual({ kind: 'full', stored: 2 })
    expect(await deadLetter.write(more.slice(2))).toEqual({ kind: 'full', stored: 0 })
    expect(deadLetter.records).toBe(3)
    expect((await read('00000001.ndjson')).match(/"line":"\d"/g)).toEqual(['1', '2', '3'].map((n) => `"line":"${n}"`))
  })

  it('takes a batch much larger than its limit in the end, when somebody takes away what is there', async () => {
    const deadLetter = await open({ maxBytes: 2 * sizeOf('1') })
    let rest = ['1', '2', '3', '4', '5'].map((line) => entryOf(line))
    const taken: string[] = []

    while (rest.length > 0) {
      const written = await deadLetter.write(rest)
      rest = written.kind === 'stored' ? [] : rest.slice(written.stored)
      for (const name of await readdir(dir)) {
        taken.push(...((await read(name)).match(/(?<="line":")\d/g) ?? []))
        await rm(join(dir, name))
      }
      if (taken.length === 0) break
    }

    expect(taken).toEqual(['1', '2', '3', '4', '5'])
  })

  it('tells an entry that alone is larger than its limit from one that has to wait', async () => {
    const deadLetter = await open({ maxBytes: sizeOf('1') })

    expect(await deadLetter.write([entryOf('1'), entryOf('22')])).toEqual({
      kind: 'too-large',
      stored: 1,
      bytes: sizeOf('22'),
    })
    await rm(join(dir, '00000001.ndjson'))
    expect(await deadLetter.write([entryOf('22')])).toEqual({ kind: 'too-large', stored: 0, bytes: sizeOf('22') })
    expect(await deadLetter.write([entryOf('3')])).toMatchObject({ kind: 'stored' })
  })

  it('has room again when somebody took entries away', async () => {
    const deadLetter = await open({ maxBytes: sizeOf('1') })
    await deadLetter.write([entryOf('1')])
    await rm(join(dir, '00000001.ndjson'))

    expect(deadLetter.records).toBe(1)
    expect(await deadLetter.refresh()).toBeUndefined()
    expect([deadLetter.bytes, deadLetter.records]).toEqual([0, 0])
    expect(await deadLetter.write([entryOf('2')])).toMatchObject({ kind: 'stored' })
    expect(await deadLetter.write([entryOf('3')])).toEqual({ kind: 'full', stored: 0 })
    for (const name of await readdir(dir)) await rm(join(dir, name))
    expect(await deadLetter.write([entryOf('4')])).toMatchObject({ kind: 'stored' })
  })

  it('loses nothing that comes after files of it were deleted, or all of it, while it has room', async () => {
    const deadLetter = await open({ segmentBytes: sizeOf('1') })
    for (const line of ['1', '2', '3']) await deadLetter.write([entryOf(line)])
    for (const name of ['00000001.ndjson', '00000003.ndjson']) await rm(join(dir, name))
    await deadLetter.write([entryOf('4')])
    expect(await readdir(dir)).toEqual(['00000002.ndjson', '00000004.ndjson'])

    await rm(dir, { recursive: true })
    await deadLetter.write([entryOf('5')])
    expect(await read((await readdir(dir)).join())).toBe(encodeEntry(entryOf('5')).toString())
    expect(await deadLetter.refresh()).toBeUndefined()
    expect(deadLetter.records).toBe(1)
  })

  it.each([
    { tail: '{"v":1,"at":"2026', of: 'a torn line' },
    { tail: '\0'.repeat(4096), of: 'zeros a power loss left' },
  ])('cuts off $of and does not count it', async ({ tail }) => {
    await (await open()).write([entryOf('one')])
    await appendFile(join(dir, '00000001.ndjson'), tail)

    const deadLetter = await open()

    expect([deadLetter.bytes, deadLetter.records]).toEqual([sizeOf('one'), 1])
    await deadLetter.write([entryOf('two')])
    expect(await read('00000001.ndjson')).toBe(
      ['one', 'two'].map((line) => encodeEntry(entryOf(line)).toString()).join(''),
    )
  })

  it('counts and reads the others when a segment goes away between being listed and being read', async () => {
    await (await open()).write([entryOf('one')])
    // A link that leads nowhere is listed, too, and is not there.
    await symlink('gone', join(dir, '00000000.ndjson'))

    expect((await open()).records).toBe(1)
    expect(await Array.fromAsync(readDeadLetter(dir))).toEqual([entryOf('one')])
  })

  it('is read in the order of its numbers, what a replay has claimed first', async () => {
    await mkdir(dir, { recursive: true })
    const files = ['00000002.sealed-ab', '00000002', '00000003.sealed-0', '99999999', '100000000']
    for (const name of files.toReversed()) await writeFile(join(dir, `${name}.ndjson`), encodeEntry(entryOf(name)))

    expect(await Array.fromAsync(readDeadLetter(dir))).toEqual(files.map((name) => entryOf(name)))
  })

  it('is not read past what the system refuses', async () => {
    await mkdir(join(dir, '00000001.ndjson'), { recursive: true })

    await expect(Array.fromAsync(readDeadLetter(dir))).rejects.toMatchObject({ code: 'EISDIR' })
  })

  it('repairs what somebody appended while it was open', async () => {
    const deadLetter = await open()
    await deadLetter.write([entryOf('one')])
    await appendFile(join(dir, '00000001.ndjson'), 'torn')

    await deadLetter.write([entryOf('two')])

    expect((await read('00000001.ndjson')).trimEnd().split('\n').map(decodeEntry)).toEqual(
      ['one', 'two'].map((line) => entryOf(line)),
    )
  })

  it('writes again what a replay claimed while it was being written', async () => {
    const deadLetter = await open({ maxBytes: 1e9 })
    await deadLetter.write([entryOf('first')])
    const large = entryOf('x'.repeat(4_000_000))
    const written = deadLetter.write([large])
    // The rest of the entry and its fsync are still to come: they take turns of this event loop.
    while (statSync(join(dir, '00000001.ndjson')).size === sizeOf('first')) await setImmediate()
    renameSync(join(dir, '00000001.ndjson'), join(dir, '00000001.sealed-0a.ndjson'))

    expect(await written).toMatchObject({ kind: 'stored' })

    expect(await readdir(dir)).toEqual(['00000001.sealed-0a.ndjson', '00000002.ndjson'])
    expect((await stat(join(dir, '00000002.ndjson'))).size).toBe(encodeEntry(large).length)
    expect(deadLetter.records).toBe(3)
  })

  it('keeps the order of writes that were not waited for', async () => {
    const deadLetter = await open()

    await Promise.all(Array.from({ length: 20 }, (_, n) => deadLetter.write([entryOf(`line ${n}.`)])))

    expect((await read('00000001.ndjson')).match(/line \d+\./g)).toEqual(
      Array.from({ length: 20 }, (_, n) => `line ${n}.`),
    )
  })

  it('reports what the system refuses, and stores as soon as it does not', async () => {
    await writeFile(join(root, 'dead-letter'), 'in the way')
    const deadLetter = await open()

    expect(await deadLetter.write([entryOf('one')])).toEqual({
      kind: 'failed',
      stored: 0,
      code: 'ENOTDIR',
      message: expect.stringContaining(dir),
    })
    expect(await deadLetter.refresh()).toMatchObject({ code: 'ENOTDIR' })
    await rm(join(root, 'dead-letter'))
    expect(await deadLetter.write([entryOf('one')])).toMatchObject({ kind: 'stored' })
    expect(deadLetter.records).toBe(1)
  })

  const writer = (...args: string[]) => [process.execPath, join(import.meta.dirname, 'writer.ts'), ...args]

  it('has all that was stored, each line whole, after every kill', async () => {
    let stored = 0
    for (let kill = 0; kill < 8; kill++) {
      const [command = '', ...args] = writer(dir, 'forever')
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
      })
      while (!said.includes('stored')) await once(child.stdout, 'data')
      await setTimeout(kill)
      child.kill('SIGKILL')
      await once(child, 'close')
      stored += (said.match(/^stored$/gm) ?? []).length

      const { records } = await open()
      expect(records).toBeGreaterThanOrEqual(stored)
      expect(records).toBeLessThanOrEqual(stored + kill + 1)
      const lines = (await Promise.all((await readdir(dir)).map(read))).join('').split('\n')
      expect(lines.pop()).toBe('')
      expect(lines.map(decodeEntry)).not.toContain(undefined)
    }
  })

  const small = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=256k none "$0" && exec "$@"']
  it.skipIf(spawnSync('unshare', ['--mount', 'true']).status !== 0)(
    'holds through a full disk: whole lines only, and it goes on when there is room',
    async () => {
      const [command = '', ...args] = [...small, root, ...writer(root, 'until-full')]
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })

      const { stored, refused, counted, whole } = JSON.parse(await text(child.stdout))

      expect(refused).toMatchObject({ kind: 'failed', code: 'ENOSPC' })
      expect(stored).toBeGreaterThan(3)
      expect({ counted, whole }).toEqual({ counted: stored, whole: stored })
    },
  )
})
