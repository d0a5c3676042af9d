import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { LogFields } from '../../../src/log.ts'
import { nodeFiles } from '../../../src/tail/file/files.ts'
import { birthless } from '../../support/faulty-files.ts'
import { silentLog, sourceOf, tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** One file may be open at a time, so that one that was read to its end is closed for the other. */
function rig(dir: string, more: Partial<Parameters<typeof tailRig>[0]> = {}) {
  const at = (name: string) => join(dir, name)
  const gone: unknown[] = []
  const tail = tailRig({
    dir,
    sources: [sourceOf(at('app.log')), sourceOf(at('other.log'))],
    openFilesLimit: 1,
    log: { ...silentLog, error: ({ bytes }: LogFields) => void gone.push(bytes) },
    ...more,
  })
  const append = (name: string, text: string) => appendFileSync(at(name), text)
  return { at, tail, gone, append, rotate: () => renameSync(at('app.log'), at('app.log.1')) }
}

describe.each([
  ['a directory', (path: string) => mkdirSync(path)],
  ['a named pipe', (path: string) => void execFileSync('mkfifo', [path])],
  ['a link to itself', (path: string) => symlinkSync(path, path)],
])('a live file that makes way for %s', (_what, obstruct) => {
  test('is read on, also when it was closed for others, and rotated again', async () => {
    using dir = tempDir()
    const { at, tail, append, rotate } = rig(dir.path)
    append('app.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    rotate()
    obstruct(at('app.log'))
    append('other.log', 'other\n')
    expect(await tail.lines()).toEqual(['other'])
    append('app.log.1', 'late\n')
    expect(await tail.lines()).toEqual(['late'])
    renameSync(at('app.log.1'), at('app.log.2'))
    append('app.log.1', 'next\n')
    append('app.log.2', 'later\n')
    expect((await tail.lines()).toSorted()).toEqual(['later', 'next'])
    rmSync(at('app.log'), { recursive: true })
    append('app.log', 'new\n')
    expect(await tail.lines()).toEqual(['new'])
    await tail.close()
  })

  test('is finished: its last line counts without a newline', async () => {
    using dir = tempDir()
    const { at, tail, append, rotate } = rig(dir.path)
    append('app.log', 'a\nno newline')
    expect(await tail.lines()).toEqual(['a'])
    rotate()
    obstruct(at('app.log'))
    expect(await tail.lines()).toEqual(['no newline'])
    await tail.close()
  })

  test('is read from its archive when it was packed before it was looked at', async () => {
    using dir = tempDir()
    const { at, tail, append, rotate } = rig(dir.path, { files: birthless(nodeFiles), openFilesLimit: 100 })
    append('app.log', `${'a'.repeat(2000)}\n`)
    expect(await tail.lines()).toHaveLength(1)
    append('app.log', 'unread\n')
    rotate()
    obstruct(at('app.log'))
    writeFileSync(at('app.log.1.gz'), gzipSync(readFileSync(at('app.log.1'))))
    rmSync(at('app.log.1'))
    expect(await tail.lines()).toEqual(['unread'])
    await tail.close()
  })

  test('is reported as gone when it was removed unread while the agent was down', async () => {
    using dir = tempDir()
    const { at, tail, append, gone } = rig(dir.path)
    append('app.log', 'a\n')
    expect(await tail.lines()).toEqual(['a'])
    append('app.log', 'unread\n')
    await tail.pass()
    await tail.restart()
    rmSync(at('app.log'))
    obstruct(at('app.log'))
    expect(await tail.lines()).toEqual([])
    expect(gone).toEqual([7])
    await tail.close()
  })
})
