import { Buffer } from 'node:buffer'
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { SourceConfig } from '../../../src/config/config.ts'
import { sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

const utf16 = (text: string) => Buffer.from(text, 'utf16le')
const MARK = '\ufeff'

function rig(dir: string, more: Partial<SourceConfig>) {
  const live = join(dir, 'app.log')
  const tail = tailRig({ dir, sources: [sourceOf(live, more)] })
  return {
    live,
    tail,
    /** The rig reads bytes. */
    lines: async () => (await tail.lines()).map((line) => Buffer.from(line, 'latin1').toString()),
    recordOf: () => tail.tailer.records()[0]?.positions.main,
  }
}

describe('UTF-16', () => {
  test('is read as UTF-8, without its mark, and goes on where it was after a restart', async () => {
    using dir = tempDir()
    const { live, lines, tail } = rig(dir.path, { encoding: 'utf-16-le' })
    writeFileSync(live, utf16(`${MARK}größe\n\u0a0a\u010a 😀\r\nhal`))
    expect(await lines()).toEqual(['größe', '\u0a0a\u010a 😀\r'])
    expect(tail.tailer.records()[0]?.positions.main?.offset).toBe(utf16(`${MARK}größe\n\u0a0a\u010a 😀\r\n`).length)
    await tail.restart()
    appendFileSync(live, utf16('b\nnext\n'))
    expect(await lines()).toEqual(['halb', 'next'])
    await tail.close()
  })

  test('waits for the second byte of a newline', async () => {
    using dir = tempDir()
    const { live, lines, tail } = rig(dir.path, { encoding: 'utf-16-le' })
    writeFileSync(live, utf16('a\n').subarray(0, 3))
    expect(await lines()).toEqual([])
    appendFileSync(live, Buffer.from([0]))
    expect(await lines()).toEqual(['a'])
    await tail.close()
  })

  test.each(['utf-16-le', 'utf-16-be'] as const)(
    '%s: delivers a last line without newline of a rotated file, once',
    async (encoding) => {
      using dir = tempDir()
      const { live, lines, tail } = rig(dir.path, { encoding })
      const encode = (text: string) => (encoding === 'utf-16-be' ? utf16(text).swap16() : utf16(text))
      writeFileSync(live, encode('a\ntorn'))
      expect(await lines()).toEqual(['a'])
      renameSync(live, `${live}.1`)
      writeFileSync(live, encode('b\n'))
      expect(await lines()).toEqual(['torn', 'b'])
      renameSync(`${live}.1`, `${live}.2`)
      renameSync(live, `${live}.1`)
      expect(await lines()).toEqual([])
      await tail.restart()
      expect(await lines()).toEqual([])
      await tail.close()
    },
  )

  test('is read out of an archive', async () => {
    using dir = tempDir()
    const { live, lines, tail } = rig(dir.path, { encoding: 'utf-16-le' })
    writeFileSync(live, utf16(`${MARK}a\n`))
    expect(await lines()).toEqual(['a'])
    appendFileSync(live, utf16('ü\n'))
    writeFileSync(`${live}.1.gz`, gzipSync(readFileSync(live)))
    rmSync(live)
    await tail.restart()
    expect(await lines()).toEqual(['ü'])
    await tail.close()
  })

  test('begins behind the last whole line when it starts at the end', async () => {
    using dir = tempDir()
    // The last byte of the newline's look-alike stands where half a character ends.
    writeFileSync(join(dir.path, 'app.log'), Buffer.concat([utf16('old\n\u0a00x\u010a'), Buffer.from([0x0a])]))
    const { live, lines, tail } = rig(dir.path, { encoding: 'utf-16-le', startPosition: 'end' })
    expect(await lines()).toEqual([])
    appendFileSync(live, Buffer.concat([Buffer.from([0x0a]), utf16('\nnew\n')]))
    expect(await lines()).toEqual(['\u0a00x\u010a\u0a0a', 'new'])
    await tail.close()
  })
})

test('Shift-JIS is read as UTF-8', async () => {
  using dir = tempDir()
  const { live, lines, tail } = rig(dir.path, { encoding: 'shift-jis' })
  writeFileSync(live, Buffer.from([0x83, 0x41, 0x95, 0x5c, 0x0a, 0xb1, 0x0a]))
  expect(await lines()).toEqual(['ア表', 'ｱ'])
  await tail.close()
})

describe('a UTF-8 byte order mark', () => {
  test('is skipped at the start of the file, and counted', async () => {
    using dir = tempDir()
    const { live, lines, tail, recordOf } = rig(dir.path, {})
    writeFileSync(live, `${MARK}{"a":1}\n${MARK}b\n`)
    expect(await lines()).toEqual(['{"a":1}', `${MARK}b`])
    expect(recordOf()).toMatchObject({ offset: 16, skippedBytes: { 'byte-order-mark': 3 } })
    await tail.restart()
    expect(await lines()).toEqual([])
    await tail.close()
  })

  test('does not hide that the room is too small for the first line', async () => {
    using dir = tempDir()
    const { live, tail } = rig(dir.path, {})
    writeFileSync(live, `${MARK}${'x'.repeat(20)}\n`)
    await tail.pass()
    const room = Buffer.alloc(16)
    const chunk = await tail.tailer.feed('main').read(room)
    expect(room.toString('latin1', 0, chunk?.length)).toBe('x'.repeat(16))
    const line = await chunk?.lineFrom(0)
    expect(line).toMatchObject({ kind: 'line', length: 20, next: 21 })
    expect(chunk?.take(21).span).toEqual({ start: 0, end: 24 })
    chunk?.leave('partial')
    await tail.close()
  })

  test.each([
    ['as long as the room', 13],
    ['longer than the room by no more than the mark', 15],
  ])('does not hide the last line of a finished file that is %s', async (_, bytes) => {
    using dir = tempDir()
    const { live, tail } = rig(dir.path, {})
    writeFileSync(live, `${MARK}${'x'.repeat(bytes)}`)
    await tail.pass()
    renameSync(live, `${live}.1`)
    writeFileSync(live, 'new\n')
    await tail.pass()
    await tail.pass()
    expect((await tail.read({ roomBytes: 16 })).flatMap(({ lines }) => lines)).toEqual(['x'.repeat(bytes), 'new'])
    await tail.close()
  })

  test('leaves no byte of half a line to be offered over and over', async () => {
    using dir = tempDir()
    const { live, tail } = rig(dir.path, {})
    writeFileSync(live, `${MARK}${'x'.repeat(14)}`)
    await tail.pass()
    const feed = tail.tailer.feed('main')
    const chunk = await feed.read(Buffer.alloc(16))
    expect(chunk?.length).toBe(14)
    chunk?.leave('partial')
    expect(await feed.read(Buffer.alloc(16))).toBeUndefined()
    await tail.close()
  })

  test('alone makes no line', async () => {
    using dir = tempDir()
    const { live, lines, tail } = rig(dir.path, {})
    writeFileSync(live, MARK)
    expect(await lines()).toEqual([])
    appendFileSync(live, 'a\n')
    expect(await lines()).toEqual(['a'])
    await tail.close()
  })
})
