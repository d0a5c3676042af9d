/**
 * How long events of a busy file are batched; those of a file at rest are not delayed. At 1,000 lines per second this
 * leaves a quarter of the passes.
 */
const GATHER_MS = 4

/** Runs passes, one at a time. */
export interface PassLoop {
  /** Runs one now, or once more if one is running; resolves when it is done. */
  pass(): Promise<void>
  /** Runs one soon, for everything that happens until then. */
  wake(): void
  /** Starts no more; resolves when the running one is done. */
  stop(): Promise<void>
}

export interface PassLoopOptions {
  run(): Promise<void>
  /** When the next pass is due without a wake, by the monotonic clock; undefined: never, and wakes are ignored, too. */
  nextAtMs(): number | undefined
}

export function createPassLoop({ run, nextAtMs }: PassLoopOptions): PassLoop {
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
    // A timer drops the fraction of a millisecond: not rounded up, it would fire too early, and then again for what was not
    // due yet.
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
