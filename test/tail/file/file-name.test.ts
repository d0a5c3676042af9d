import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf, nameOf, pathOf } from '../../../src/tail/file/file-name.ts'
import { sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

test('any name and any path of bytes is a string and comes back as it was', () => {
  const bytes = fc.uint8Array({ max: 255, maxLength: 12 }).map((array) => Buffer.from(array))
  fc.assert(
    fc.property(bytes, (name) => {
      expect(Buffer.from(bytesOf(nameOf(name)))).toEqual(name)
      expect(Buffer.from(bytesOf(pathOf(name)))).toEqual(name)
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      expect(nameOf(Buffer.from(name))).toBe(name)
    }),
  )
})

describe('files whose names, and directories whose names, are not UTF-8', () => {
  const bytes = (...parts: (string | number | Buffer)[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))))

  test('are read, followed through a rotation, and known after a restart', async () => {
    using dir = tempDir()
    const one = bytes(dir.path, '/é', 0xff, '.log')
    const other = bytes(dir.path, '/é', 0xfe, '.log')
    const inside = bytes(dir.path, '/x', 0xe9, '/ü.log')
    const tail = tailRig({ dir: dir.path, sources: [sourceOf(join(dir.path, '**/*.log'))] })
    mkdirSync(bytes(dir.path, '/x', 0xe9))
    for (const path of [one, other, inside, bytes(dir.path, '/\ufffd.log')])
      writeFileSync(path, `${path.toString('hex')}\n`)
    expect(await tail.lines()).toHaveLength(4)
    appendFileSync(one, 'unread\n')
    renameSync(one, bytes(one, '.1'))
    writeFileSync(one, 'new\n')
    await tail.restart()
    expect(await tail.lines()).toEqual(['unread', 'new'])
    appendFileSync(inside, 'more\n')
    expect(await tail.lines()).toEqual(['more'])
    await tail.close()
  })
})
