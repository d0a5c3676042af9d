import { Buffer } from 'node:buffer'
import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Chunk } from '../../../src/chunk.ts'
import type { Encoding } from '../../../src/config/config.ts'
import type { Files } from '../../../src/tail/file/files.ts'
import { faultyFiles } from '../../support/faulty-files.ts'
import { sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

const encode = (text: string, encoding: Encoding) => Buffer.from(text, encoding === 'utf-16-le' ? 'utf16le' : 'utf8')

/** A file whose first line is longer than the room, and a taker that asks for the line by itself. */
function rig(dir: string, encoding: Encoding, afterRead: (reads: number) => void = () => {}) {
  const live = join(dir, 'audit.log')
  const faulty = faultyFiles()
  const files: Files = {
    ...faulty.files,
    async read(fd, into, position) {
      const count = await faulty.files.read(fd, into, position)
      afterRead(faulty.count('read'))
      return count
    },
  }
  const tail = tailRig({ dir, sources: [sourceOf(live, { encoding, backfill: true })], files })
  async function next(signal?: AbortSignal): Promise<Chunk | undefined> {
    await tail.pass()
    return tail.tailer.feed('main').read(Buffer.alloc(64), signal)
  }
  return {
    live,
    faulty,
    tail,
    next,
    append: (text: string) => appendFileSync(live, encode(text, encoding)),
    /** The whole line, or why there is none. */
    async take(): Promise<string> {
      const chunk = await next()
      if (!chunk) return 'nothing'
      const line = await chunk.lineFrom(0)
      if (line.kind === 'partial') {
        chunk.leave('unread')
        return 'partial'
      }
      const pieces: Uint8Array[] = []
      for await (const piece of line.pieces()) pieces.push(piece)
      if (Buffer.concat(pieces).length < line.length) {
        chunk.leave('unread')
        return 'short'
      }
      chunk.take(line.next).settle({ deadLetteredBytes: 0, truncatedBytes: 0 })
      chunk.leave('partial')
      return Buffer.concat(pieces).toString()
    },
  }
}

describe.each<Encoding>(['utf-8', 'utf-16-le'])('a line that is longer than its room (%s)', (encoding) => {
  test('is taken from an archive, too', async () => {
    using dir = tempDir()
    const { live, take, tail } = rig(dir.path, encoding)
    const line = 'ü'.repeat(500_000)
    writeFileSync(`${live}.1.gz`, gzipSync(encode(`${line}\nnext\n`, encoding)))
    // Looks into the archive; the next look offers it.
    await tail.pass()
    expect(await take()).toBe(line)
    expect((await tail.lines()).join()).toBe('next')
    await tail.close()
  })

  test('is not offered again before it has grown, while its end is missing', async () => {
    using dir = tempDir()
    const { append, take, tail } = rig(dir.path, encoding)
    append('ü'.repeat(1000))
    expect(await take()).toBe('partial')
    expect(await take()).toBe('nothing')
    append('more')
    expect(await take()).toBe('partial')
    append('\nnext\n')
    expect(await take()).toBe(`${'ü'.repeat(1000)}more`)
    expect((await tail.lines()).join()).toBe('next')
    await tail.close()
  })

  test('ends with its file', async () => {
    using dir = tempDir()
    const { append, take, live, tail } = rig(dir.path, encoding)
    append('x'.repeat(1000))
    expect(await take()).toBe('partial')
    renameSync(live, `${live}.1`)
    writeFileSync(live, '')
    expect(await take()).toBe('x'.repeat(1000))
    expect(await tail.lines()).toEqual([])
    await tail.close()
  })

  test('comes short when its file is truncated while it is read', async () => {
    using dir = tempDir()
    const { append, next, live, tail } = rig(dir.path, encoding)
    append(`${'x'.repeat(600_000)}\n`)
    const line = await (await next())?.lineFrom(0)
    if (line?.kind !== 'line') throw new Error('no line')
    let bytes = 0
    for await (const piece of line.pieces()) {
      bytes += piece.length
      truncateSync(live, 10)
    }
    expect([line.length, bytes > 0 && bytes < 600_000]).toEqual([600_000, true])
    await tail.close()
  })

  test('is tried again when it could not be read for a while', async () => {
    using dir = tempDir()
    const { append, next, take, faulty, tail } = rig(dir.path, encoding)
    append(`${'x'.repeat(300)}\n`)
    const chunk = await next()
    faulty.refuse(['read', 'readSync'], 'EIO')
    expect(await chunk?.lineFrom(0)).toEqual({ kind: 'partial' })
    chunk?.leave('unread')
    expect(await tail.tailer.feed('main').read(Buffer.alloc(64))).toBe(undefined)
    expect(tail.tailer.view()[0]?.lineages[0]?.generations.live?.fault?.code).toBe('EIO')
    faulty.allow()
    expect(await take()).toBe('x'.repeat(300))
    await tail.close()
  })

  test('is looked at on from where it ended when it has grown', async () => {
    using dir = tempDir()
    const { append, take, faulty, tail } = rig(dir.path, encoding)
    append('x'.repeat(3_000_000))
    expect(await take()).toBe('partial')
    for (const more of ['y', 'z'.repeat(2000)]) {
      const reads = faulty.count('read')
      append(more)
      expect(await take()).toBe('partial')
      // The room, what was appended, and the end.
      expect(faulty.count('read') - reads).toBe(3)
    }
    append('\n')
    expect(await take()).toBe(`${'x'.repeat(3_000_000)}y${'z'.repeat(2000)}`)
    await tail.close()
  })

  test('is not looked for any further once the signal has come, and not read', async () => {
    using dir = tempDir()
    const stop = new AbortController()
    let last = Number.POSITIVE_INFINITY
    const { append, next, faulty, tail } = rig(dir.path, encoding, (reads) => {
      if (reads === last) stop.abort()
    })
    append(`${'x'.repeat(1_500_000)}\n`)
    const chunk = await next(stop.signal)
    const line = await chunk?.lineFrom(0)
    if (line?.kind !== 'line') throw new Error('no line')
    last = faulty.count('read') + 1
    let bytes = 0
    for await (const piece of line.pieces()) bytes += piece.length
    expect([faulty.count('read'), bytes > 0 && bytes < line.length]).toEqual([last, true])
    expect(await chunk?.lineFrom(0)).toEqual({ kind: 'partial' })
    expect(faulty.count('read')).toBe(last)
    await tail.close()
  })
})

test('a line of another encoding is none yet when it comes short while its length in UTF-8 is counted', async () => {
  using dir = tempDir()
  const stop = new AbortController()
  // One for the room, five that find the newline behind 1.2 MB, and the first of those that count.
  const countingReads = 7
  const { append, next, faulty, tail } = rig(dir.path, 'utf-16-le', (reads) => {
    if (reads === countingReads) stop.abort()
  })
  append(`${'x'.repeat(600_000)}\n`)
  expect(await (await next(stop.signal))?.lineFrom(0)).toEqual({ kind: 'partial' })
  expect(faulty.count('read')).toBe(countingReads)
  await tail.close()
})

describe('a line that grows', () => {
  /** Longer than the beginning that tells one file from another. */
  const FIRST = 'f'.repeat(2000)

  /** A line of two thousand bytes without an end, behind one that has been taken. */
  async function grown(dir: string) {
    const rigged = rig(dir, 'utf-8')
    rigged.append(`${FIRST}\n`)
    expect(await rigged.tail.lines()).toEqual([FIRST])
    rigged.append('x'.repeat(2000))
    expect(await rigged.take()).toBe('partial')
    return { ...rigged, cutTo: (length: number) => truncateSync(rigged.live, FIRST.length + 1 + length) }
  }

  test('is found when it was cut and ended where it had been looked at', async () => {
    using dir = tempDir()
    const { append, take, cutTo, tail } = await grown(dir.path)
    cutTo(100)
    append(`y\n${'z'.repeat(3000)}`)
    expect(await take()).toBe(`${'x'.repeat(100)}y`)
    await tail.close()
  })

  test('is found when it was seen to be cut, and looks the same where it had been looked at last', async () => {
    using dir = tempDir()
    const { append, take, cutTo, tail } = await grown(dir.path)
    cutTo(100)
    await tail.pass()
    append(`\n${'x'.repeat(3000)}`)
    expect(await take()).toBe('x'.repeat(100))
    await tail.close()
  })

  test('comes short when it looks the same there, but has another end by now', async () => {
    using dir = tempDir()
    const { append, take, cutTo, tail } = await grown(dir.path)
    cutTo(100)
    append(`\n${'x'.repeat(3000)}\n`)
    expect(await take()).toBe('short')
    expect(await take()).toBe('x'.repeat(100))
    expect(await take()).toBe('x'.repeat(3000))
    await tail.close()
  })
})
