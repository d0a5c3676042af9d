import { readdirSync, readFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { systemError } from './system-error.ts'

/** Gives a thread, under contention, a third of the CPU time of one with normal priority. */
const NICER = 5
/** The highest nice value. */
const NICEST = 19

/**
 * Lets the main thread run before libuv's pool threads, which compress: with all cores busy, it would wait its turn while
 * they run out of data to compress. Does nothing except on Linux, where each thread has a name and a priority.
 */
export function lowerPoolPriority(): void {
  try {
    const lower = Math.min(getPriority() + NICER, NICEST)
    for (const thread of readdirSync('/proc/self/task')) {
      if (readFileSync(`/proc/self/task/${thread}/comm`, 'utf8') === 'libuv-worker\n')
        setPriority(Number(thread), lower)
    }
  } catch (error) {
    systemError(error)
  }
}
