import { closeSync, existsSync, mkdirSync, openSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeDirectory } from '../../src/system/durable-directory.ts'
import { tempDir } from '../support/temp-dir.ts'

const modeOf = (path: string) => statSync(path).mode & 0o777

test('a directory is made with its parents, for the owner alone, and may be there already', async () => {
  using dir = tempDir()
  const path = join(dir.path, 'a', 'b', 'c')
  await makeDirectory(path)
  expect(['a', 'a/b', 'a/b/c'].map((name) => modeOf(join(dir.path, name)))).toEqual([0o700, 0o700, 0o700])
  await makeDirectory(path)
  await makeDirectory(`${path}/`)
})

test('a relative path begins at the working directory', async () => {
  using dir = tempDir()
  const before = process.cwd()
  process.chdir(dir.path)
  try {
    await makeDirectory('a/b')
    await makeDirectory('.')
  } finally {
    process.chdir(before)
  }
  expect(existsSync(join(dir.path, 'a/b'))).toBe(true)
})

test('one that many make at once is there for each of them', async () => {
  using dir = tempDir()
  const path = join(dir.path, 'a', 'b', 'c')
  await Promise.all(Array.from({ length: 20 }, () => makeDirectory(path)))
  expect(existsSync(path)).toBe(true)
})

test('a link to a directory is one', async () => {
  using dir = tempDir()
  mkdirSync(join(dir.path, 'real'))
  symlinkSync('real', join(dir.path, 'link'))
  await makeDirectory(join(dir.path, 'link', 'a'))
  await makeDirectory(join(dir.path, 'link'))
  expect(existsSync(join(dir.path, 'real', 'a'))).toBe(true)
})

test('what stands in its place, or in that of a parent, is named', async () => {
  using dir = tempDir()
  writeFileSync(join(dir.path, 'file'), '')
  symlinkSync('nowhere', join(dir.path, 'link'))
  await expect(makeDirectory(join(dir.path, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
  await expect(makeDirectory(join(dir.path, 'file', 'a'))).rejects.toThrow(/^ENOTDIR: .*, mkdir /)
  await expect(makeDirectory(join(dir.path, 'link', 'a'))).rejects.toMatchObject({ code: 'EEXIST' })
})

test.runIf(process.platform === 'linux')('a parent that is there and cannot hold it is given up on', async () => {
  await expect(makeDirectory('/proc/nope/run')).rejects.toMatchObject({
    code: 'ENOENT',
    message: expect.stringContaining("'/proc/nope'"),
  })
})

test.runIf(process.platform === 'linux')('a parent that was removed while it was in use is given up on', async () => {
  using dir = tempDir()
  mkdirSync(join(dir.path, 'removed'))
  const descriptor = openSync(join(dir.path, 'removed'), 'r')
  rmdirSync(join(dir.path, 'removed'))
  // As a mount does, this leads to it still.
  const path = `/proc/self/fd/${descriptor}`
  await expect(makeDirectory(`${path}/dead-letter/d`)).rejects.toMatchObject({
    code: 'ENOENT',
    message: expect.stringContaining(`${path}/dead-letter'`),
  })
  closeSync(descriptor)
})
