/**
 * Events of a busy file are gathered this long, and those of one at rest not at all: at 1,000 lines a second this leaves a
 * quarter of the passes.
 */
const GATHER_MS = 4

/** Runs passes, one at a time. */
export interface Pulse {
  /** Runs one now, or once more when one is running; resolves when it is done. */
  pass(): Promise<void>
  /** Soon, and once for everything that happens until then. */
  wake(): void
  /** Begins no other; resolves when the one that runs is done. */
  stop(): Promise<void>
}

export interface PulseOptions {
  run(): Promise<void>
  /** When the next pass is due without a wake, by the monotonic clock; undefined: never, and wakes are not heard either. */
  nextAtMs(): number | undefined
}

export function createPulse({ run, nextAtMs }: PulseOptions): Pulse {
  let running: Promise<void> | undefined
  let again = false
  let stopped = false
  let isWaking = false
  let endedAtMs = 0
  let timer: NodeJS.Timeout | undefined

  async function passes(): Promise<void> {
    do {
      again = false
      await run()
      endedAtMs = performance.now()
    } while (again && !stopped)
  }

  function pass(): Promise<void> {
    again = true
    running ??= passes().finally(() => {
      running = undefined
      schedule()
    })
    return running
  }

  function schedule(): void {
    clearTimeout(timer)
    const atMs = nextAtMs()
    if (stopped || atMs === undefined) return
    // A timer leaves out the fraction: it would come too early, and once more for what was not due yet.
    timer = setTimeout(() => void pass(), Math.max(1, Math.ceil(atMs - performance.now())))
  }

  return {
    pass,
    wake() {
      if (isWaking || stopped || nextAtMs() === undefined) return
      isWaking = true
      const rouse = () => {
        isWaking = false
        if (!stopped) void pass()
      }
      const waitMs = endedAtMs + GATHER_MS - performance.now()
      if (waitMs > 0) setTimeout(rouse, waitMs)
      else setImmediate(rouse)
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
