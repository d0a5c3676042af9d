import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Fault, type FileFacts, type Files, nodeFiles } from '../../../src/tail/file/files.ts'
import { birthless } from '../../support/faulty-files.ts'
import { tailRig } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** A file system without birth times that gives out inodes as it is told. */
function inodes() {
  const given = new Map<string, string>()
  const seen = <T extends FileFacts | Fault>(facts: T): T =>
    facts instanceof Fault ? facts : { ...facts, ino: given.get(facts.ino) ?? facts.ino }
  const files: Files = birthless({
    ...nodeFiles,
    stat: (path) => seen(nodeFiles.stat(path)),
    facts: (fd) => seen(nodeFiles.facts(fd)),
  })
  return {
    files,
    give(path: string, ino: string): void {
      const facts = nodeFiles.stat(path)
      if (!(facts instanceof Fault)) given.set(facts.ino, ino)
    },
  }
}

test('a live file that gets the inode of an empty one that was there before it is read once', async () => {
  using dir = tempDir()
  const at = (name: string) => join(dir.path, name)
  const { files, give } = inodes()
  const tail = tailRig({ dir: dir.path, files })
  writeFileSync(at('audit.log'), '')
  give(at('audit.log'), '1')
  await tail.pass()
  // Both exist at a time, so that the file system itself cannot use an inode again.
  writeFileSync(at('next'), '')
  give(at('next'), '2')
  renameSync(at('next'), at('audit.log'))
  await tail.pass()
  renameSync(at('audit.log'), at('audit.log.1'))
  appendFileSync(at('audit.log'), 'a\n')
  give(at('audit.log'), '1')
  expect(await tail.lines()).toEqual(['a'])
  expect(await tail.lines()).toEqual([])
  rmSync(at('audit.log.1'))
  expect(await tail.lines()).toEqual([])
  await tail.close()
})
