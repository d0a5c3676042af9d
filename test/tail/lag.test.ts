import { appendFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

const settled = { deadLetteredBytes: 0, truncatedBytes: 0 }
const HOUR_MS = 3_600_000

/** A log whose generations were last written to hours ago, and the lag of each as status would show it. */
function oldLog(dir: string) {
  const path = join(dir, 'audit.log')
  const tail = tailRig({ dir })
  return {
    tail,
    path,
    write(text: string, hoursAgo: number) {
      appendFileSync(path, text)
      const atMs = Date.now() - hoursAgo * HOUR_MS
      utimesSync(path, atMs / 1000, atMs / 1000)
    },
    rotate: (number: number) => renameSync(path, `${path}.${number}`),
    hours: () =>
      tail.tailer
        .view()
        .flatMap(({ lineages }) => lineages)
        .flatMap(({ generations }) => generations.reading)
        .map(({ cursors }) => Math.round((cursors.get('main')?.lagMs(Date.now()) ?? 0) / HOUR_MS)),
  }
}

test('what nobody has read yet lags since it was written, also when it was rotated meanwhile', async () => {
  using dir = tempDir()
  const { tail, write, rotate, hours } = oldLog(dir.path)
  write('a\n', 3)
  await tail.pass()
  expect(hours()).toEqual([3])
  rotate(1)
  write('b\n', 2)
  await tail.pass()
  expect(hours()).toEqual([3, 2])
  await tail.close()
})

test('what is read lags until it is settled', async () => {
  using dir = tempDir()
  const { tail, write, hours } = oldLog(dir.path)
  write('a\nb\n', 1)
  const taken = await tail.read({ settle: false })
  expect(hours()).toEqual([1])
  for (const { part } of taken) part.settle(settled)
  expect(hours()).toEqual([0])
  await tail.close()
})

test('the beginning of a line lags since the file was last written to', async () => {
  using dir = tempDir()
  const { tail, write, hours } = oldLog(dir.path)
  write('a\nb', 5)
  await tail.lines()
  expect(hours()).toEqual([5])
  write('c\nd', 1)
  expect(await tail.lines()).toEqual(['bc'])
  expect(hours()).toEqual([1])
  await tail.close()
})

test('an empty file does not lag, however old it is', async () => {
  using dir = tempDir()
  const { tail, path, write, hours } = oldLog(dir.path)
  writeFileSync(path, '')
  write('', 5)
  await tail.pass()
  expect(hours()).toEqual([0])
  await tail.close()
})
