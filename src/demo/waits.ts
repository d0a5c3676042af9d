import { setTimeout as delay } from 'node:timers/promises'

/** Both reject with an AbortError once the signal they were made with aborts. */
export interface Waits {
  pause(ms: number): Promise<void>
  /** Whether the condition became true in time. */
  until(condition: () => boolean, deadlineMs: number): Promise<boolean>
}

const POLL_MS = 20

export function createWaits(signal: AbortSignal): Waits {
  const pause = (ms: number) => delay(Math.max(0, ms), undefined, { signal })
  return {
    pause,
    async until(condition, deadlineMs) {
      const endMs = performance.now() + deadlineMs
      while (!condition()) {
        if (performance.now() > endMs) return false
        await pause(POLL_MS)
      }
      return true
    },
  }
}
