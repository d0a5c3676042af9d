import { readdirSync, readFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { systemError } from './system-error.ts'

/** A third of the CPU time where they compete with a thread of the usual priority. */
const NICER = 5
/** The most that a process may be told to give way. */
const NICEST = 19

/**
 * Lets the main thread go before the threads of libuv's pool, which compress: with all cores busy it would wait for its turn
 * while nothing is left to compress. Does nothing where threads have no names or no priority of their own: only Linux has both.
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
