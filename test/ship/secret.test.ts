import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { secret } from '../../src/config/secret.ts'
import { openSecret } from '../../src/ship/secret.ts'

let directory: string
let path: string
let nowMs: number
const options = { recheckMs: 60_000, now: () => nowMs }

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'secret-'))
  path = join(directory, 'key')
  nowMs = 0
})

afterEach(() => rm(directory, { recursive: true }))

describe('openSecret', () => {
  it('takes a value without the white space around it', async () => {
    expect(await openSecret(secret(' abc\n'), options).current()).toEqual({ kind: 'secret', value: 'abc' })
  })

  it('reads a file again after a while, or when it was refused', async () => {
    await writeFile(path, 'one\n')
    const key = openSecret({ kind: 'file', path }, options)
    expect(await key.current()).toEqual({ kind: 'secret', value: 'one' })
    await writeFile(path, 'two\n')
    expect(await key.current()).toEqual({ kind: 'secret', value: 'one' })
    nowMs = 60_000
    expect(await key.current()).toEqual({ kind: 'secret', value: 'two' })
    await writeFile(path, 'three\n')
    key.expire()
    expect(await key.current()).toEqual({ kind: 'secret', value: 'three' })
  })

  it('keeps the old secret while the file is gone, empty or no secret', async () => {
    await writeFile(path, 'old')
    const key = openSecret({ kind: 'file', path }, options)
    await key.current()
    for (const content of [undefined, '', ' \n', 'two words', 'line\nline', '\u0000']) {
      if (content === undefined) await rename(path, `${path}.gone`)
      else await writeFile(path, content)
      key.expire()
      expect(await key.current()).toEqual({ kind: 'secret', value: 'old' })
    }
  })

  const missing: readonly [string | undefined, string][] = [
    [undefined, 'cannot be read (ENOENT)'],
    ['', 'is empty'],
    ['two words', 'is not one word of printable ASCII characters'],
    ['x'.repeat(2_000_000), 'cannot be read (larger than 1048576 bytes)'],
  ]
  for (const [content, reason] of missing) {
    it(`names the file and what is the matter: ${reason}; and takes it up when it is good`, async () => {
      if (content !== undefined) await writeFile(path, content)
      const key = openSecret({ kind: 'file', path }, options)
      expect(await key.current()).toEqual({ kind: 'missing', reason: `${path}: ${reason}` })
      await writeFile(path, 'good')
      expect(await key.current()).toEqual({ kind: 'secret', value: 'good' })
    })
  }
})
