import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when `condition` holds; fails at the deadline. */
export async function until(condition: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms for: ${condition}`)
    await sleep(2)
  }
}
