import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'

const program = new URL('../../bin/agent', import.meta.url).pathname

/** A checkout without packages, on a machine whose Node says that it is of this version, if there is one. */
function checkout(dir: string, version: string | undefined) {
  const [root, machine] = [join(dir, 'checkout'), join(dir, 'machine')]
  for (const directory of [join(root, 'bin'), join(root, 'dist'), machine]) mkdirSync(directory, { recursive: true })
  copyFileSync(program, join(root, 'bin', 'agent'))
  for (const tool of ['dirname', 'readlink']) symlinkSync(`/usr/bin/${tool}`, join(machine, tool))
  const node = `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || echo "$@"\n`
  if (version !== undefined) writeFileSync(join(machine, 'node'), node, { mode: 0o755 })
  const run = () => {
    const { status, stdout, stderr } = spawnSync('/bin/sh', [join(root, 'bin', 'agent'), 'status'], {
      env: { PATH: machine },
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }
  return { root, run }
}

describe('bin/agent before npm ci', () => {
  test.each([
    [undefined, 'no Node.js found'],
    ['v20.20.2', 'Node.js v20.20.2 is too old'],
    ['v8.1.0', 'Node.js v8.1.0 is too old'],
  ])('says what to do where Node is %s', (version, problem) => {
    using dir = tempDir()
    const { root, run } = checkout(dir.path, version)
    expect(run()).toEqual({
      status: 69,
      stdout: '',
      stderr: `agent: ${problem}: run 'npm ci' in ${root}, or install Node.js 24 or newer\n`,
    })
  })

  test('says what to do where there is nothing to run', () => {
    using dir = tempDir()
    const { root, run } = checkout(dir.path, 'v26.1.0')
    expect(run()).toEqual({
      status: 69,
      stdout: '',
      stderr: `agent: nothing is installed: run 'npm ci' in ${root}\n`,
    })
  })

  test.each(['v24.0.0', 'v26.1.0', 'v30.0.0'])('runs the bundle on %s', (version) => {
    using dir = tempDir()
    const { root, run } = checkout(dir.path, version)
    writeFileSync(join(root, 'dist', 'main.js'), '')
    expect(run()).toMatchObject({ status: 0, stdout: expect.stringMatching(/ \S+\/dist\/main\.js status\n$/) })
  })
})
