import { Buffer } from 'node:buffer'
import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Chunk } from '../../src/block.ts'
import type { Encoding } from '../../src/config/config.ts'
import { faultyFiles } from '../support/faulty-files.ts'
import { sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

const encode = (text: string, encoding: Encoding) => Buffer.from(text, encoding === 'utf-16-le' ? 'utf16le' : 'utf8')

/** A file whose first line is longer than the room, and a taker that asks for the line by itself. */
function rig(dir: string, encoding: Encoding) {
  const live = join(dir, 'audit.log')
  const faulty = faultyFiles()
  const tail = tailRig({ dir, sources: [sourceOf(live, { encoding })], files: faulty.files })
  async function next(): Promise<Chunk | undefined> {
    await tail.tailer.pass()
    return tail.tailer.feed('main').read(Buffer.alloc(64))
  }
  return {
    ...{ live, faulty, tail, next },
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
      chunk
        .take(line.next)
        .settle({ deliveredRecords: 1, deadLetteredRecords: 0, deadLetteredBytes: 0, truncatedBytes: 0 })
      chunk.leave('partial')
      return Buffer.concat(pieces).toString()
    },
  }
}

describe.each<Encoding>(['utf-8', 'utf-16-le'])('a line that is longer than its room (%s)', (encoding) => {
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
    expect(tail.tailer.view()[0]?.lineages[0]?.live?.fault?.code).toBe('EIO')
    faulty.allow()
    expect(await take()).toBe('x'.repeat(300))
    await tail.close()
  })
})
