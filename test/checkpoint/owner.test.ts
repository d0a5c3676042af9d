import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { geteuid } from 'node:process'
import { expect, test } from 'vitest'
import { foreignState, stateOfAnother } from '../../src/checkpoint/owner.ts'
import { tempDir } from '../support/temp-dir.ts'

const uid = geteuid?.() ?? 0

test.each([
  ['none', [], uid + 1, undefined],
  ['a registry of another user', ['registry.json', 'agent.lock'], uid + 1, 'registry.json'],
  ['the lock of another user', ['agent.lock', 'other'], uid + 1, 'agent.lock'],
  ['what has the owner that all files get', ['registry.json', 'agent.lock'], uid, undefined],
  ['that in a directory where nothing can be made', ['registry.json', 'agent.lock'], undefined, undefined],
])('state of another user: %s', async (_what, names, ownOwner, found) => {
  using dir = tempDir()
  for (const name of names) writeFileSync(join(dir.path, name), '')
  const expected = found === undefined ? undefined : { path: join(dir.path, found), uid }
  expect(await stateOfAnother(dir.path, async () => ownOwner)).toEqual(expected)
})

test('the question follows no link that another user laid', async () => {
  using dir = tempDir()
  const victim = join(dir.path, 'victim')
  writeFileSync(victim, 'precious')
  writeFileSync(join(dir.path, 'registry.json'), '')
  symlinkSync(victim, join(dir.path, `.owner-${process.pid}`))
  expect(await foreignState(dir.path)).toBeUndefined()
  expect(readFileSync(victim, 'utf8')).toBe('precious')
})

test('our own state is not foreign, and nothing is left of the question', async () => {
  using dir = tempDir()
  writeFileSync(join(dir.path, 'registry.json'), '')
  expect(await foreignState(dir.path)).toBeUndefined()
  expect(await foreignState(join(dir.path, 'none'))).toBeUndefined()
  expect(readdirSync(dir.path)).toEqual(['registry.json'])
})
