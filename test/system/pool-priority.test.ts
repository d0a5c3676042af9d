import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { getPriority } from 'node:os'
import { expect, test } from 'vitest'
import { lowerPoolPriority } from '../../src/system/pool-priority.ts'

const isLinux = process.platform === 'linux'

test.runIf(isLinux)('the threads of the pool give way to the others, however often they are told', async () => {
  await readFile('/dev/null')
  lowerPoolPriority()
  lowerPoolPriority()
  const threads = readdirSync('/proc/self/task').map((thread) => ({
    name: readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim(),
    nicer: getPriority(Number(thread)) - getPriority(),
  }))
  const pool = threads.filter(({ name }) => name === 'libuv-worker')
  expect(pool.length).toBeGreaterThan(0)
  // 19 is as far as it goes, also where these tests run at a low priority themselves.
  expect(new Set(pool.map(({ nicer }) => nicer))).toEqual(new Set([Math.min(5, 19 - getPriority())]))
  expect(threads.filter(({ name, nicer }) => name !== 'libuv-worker' && nicer !== 0)).toEqual([])
})
