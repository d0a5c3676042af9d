/** Wakes all current waiters. A notification without a waiter is lost. */
export interface Notifier {
  notify(): void
  /** Resolves at the next notification, or when `signal` aborts. Leaves no listener behind. */
  wait(signal: AbortSignal): Promise<void>
}

export function createNotifier(): Notifier {
  const waiting = new Set<() => void>()
  return {
    notify() {
      for (const wake of [...waiting]) wake()
    },
    wait(signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const wake = () => {
          waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        waiting.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      })
    },
  }
}
