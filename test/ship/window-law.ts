import { expect } from 'vitest'

/** Over any window of t seconds at most burst + qps × t takes; a window from one take to another says it all. */
export function expectWindowLaw(takenAtMs: readonly number[], qps: number, burst: number): void {
  takenAtMs.forEach((start, first) => {
    for (let last = first; last < takenAtMs.length; last++) {
      const seconds = ((takenAtMs[last] ?? 0) - start) / 1000
      if (last - first + 1 > burst + qps * seconds + 1e-6) {
        expect.fail(`${last - first + 1} takes in ${seconds} s at ${qps} a second and a burst of ${burst}`)
      }
    }
  })
}
