import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { openStore } from '../../src/checkpoint/store.ts'

const kills = 30

it(`loads the last saved state or the one being saved after each of ${kills} kills`, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'store-kill-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  let saved = 0
  for (let kill = 0; kill < kills; kill++) {
    const output = await runUntilKilled(dir, kill)

    const lines = output.trimEnd().split('\n')
    const lastSaved = Number(lines.findLast((line) => line.startsWith('saved '))?.slice(6) ?? saved)
    const lastStarted = Number(lines.findLast((line) => line.startsWith('start '))?.slice(6) ?? saved)
    expect(lines[0]).toMatch(/ whole$/)
    expect(lines.filter((line) => line.startsWith('failed'))).toEqual([])
    const { loaded, recovered } = await openStore({ dir })
    expect(recovered).toBeUndefined()
    const n = (loaded as { n: number }).n
    expect([lastSaved, lastStarted]).toContain(n)
    expect(n).toBeGreaterThanOrEqual(saved)
    saved = n
  }
  expect((await readdir(dir)).filter((name) => name.includes('corrupt'))).toEqual([])
  expect(saved).toBeGreaterThanOrEqual(kills)
})

/** Lets the writer save at least once, kills it wherever it is then, and returns all it said. */
async function runUntilKilled(dir: string, kill: number): Promise<string> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'store-writer.ts'), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  while (!said.includes('saved')) await once(child.stdout, 'data')
  await setTimeout(kill % 7)
  child.kill('SIGKILL')
  await once(child, 'close')
  return said
}
