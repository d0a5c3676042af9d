import { createTokenBucket } from './token-bucket.ts'

/** Admits requests: one token each. */
export interface Throttle {
  /** Resolves when a request may be sent, first come first served. Rejects with the signal's reason when it is aborted. */
  take(signal: AbortSignal): Promise<void>
  /** Rejects every take that waits, and all that follow. */
  stop(): void
}

interface ThrottleOptions {
  readonly enabled: boolean
  /** Tokens a second; may be below one. */
  readonly qps: number
  /** Tokens a full bucket holds; a whole number. */
  readonly burst: number
  /** Monotonic ms. */
  readonly clock?: () => number
}

/** Bottleneck moves a token through three timers, 3 to 4 ms; tokens set out early enough to be there when they are due. */
const leadMs = 10

/**
 * Bottleneck notes by the wall clock when the next job may run: this long after the last one. Somebody sets the clock back by
 * an hour, and all jobs wait for an hour, unless that time is always over.
 */
const farInThePast = Number.NEGATIVE_INFINITY

/** Node fires a timer of more than 24.8 days at once. */
const longestTimerMs = 60_000

/**
 * Over any window of t seconds at most `burst` + `qps` × t takes are answered, and `qps` is reached while there is work.
 *
 * Two gates in a row. Bottleneck keeps the tokens and makes takers wait for them. It cannot hold the law by itself: its
 * refill adds an interval's tokens in one lump and counts the next interval from when the timer fired, so windows
 * around a lump have too many and late timers add up; and it counts a token as gone when it picks the job, which is a
 * ms, or a stalled event loop, before the job runs. So the refill is ours (no reservoir interval is set, and a throttle
 * nobody waits for has no timer), and the token bucket has the last word at the moment a take is answered. Bottleneck
 * is given tokens `leadMs` before they accrue: with a burst of 1 its own delay would otherwise be lost at each token.
 *
 * A job costs Bottleneck 2.5 to 3.5 ms of time and 0.5 ms of CPU, and jobs are picked one after the other, so at rates
 * where more than one token accrues in `leadMs` a job fetches as many. Up to 100 a second it is a job a take. What is
 * left of the delay shows where the burst is less than 4 ms of the rate: 5000 a second with a burst of 15 gave 3900.
 */
export async function createThrottle(options: ThrottleOptions): Promise<Throttle> {
  const { enabled, qps, burst, clock = () => performance.now() } = options
  if (!enabled) return unthrottled
  const { default: Bottleneck } = await import('bottleneck')
  const limiter = new Bottleneck({ reservoir: burst, minTime: farInThePast })
  const bucket = createTokenBucket(qps, burst)
  const lot = Math.ceil((qps * leadMs) / 1000)
  const waiters = new Set<Waiter>()
  /** Tokens in Bottleneck's reservoir or on the way into it, and tokens fetched from it. Together at most `burst`. */
  let stored = burst
  let fetched = 0
  let fetching = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  /** Answers who can be answered; sees to it that it runs again when the next one can. */
  function serve(): void {
    clearTimeout(timer)
    const nowMs = clock()
    for (const waiter of waiters) {
      if (fetched === 0 || !bucket.take(nowMs)) break
      fetched -= 1
      waiters.delete(waiter)
      waiter.admit()
    }
    const accrued = bucket.tokensAt(nowMs + leadMs) - stored - fetched
    if (accrued > 0) {
      stored += accrued
      void limiter.incrementReservoir(accrued)
    }
    if (waiters.size === 0) return
    if (fetched === 0 && !fetching) void fetch()
    // With tokens stored and none fetched the job that is under way will be here by itself.
    if (fetched === 0 && stored > 0) return
    const waitMs = bucket.nextTokenMs() - (fetched === 0 ? leadMs : 0) - nowMs
    timer = setTimeout(serve, Math.min(longestTimerMs, Math.max(1, Math.ceil(waitMs))))
  }

  async function schedule(weight: number, job: () => void): Promise<void> {
    try {
      await limiter.schedule({ weight }, async () => job())
    } catch (error) {
      if (!stopped) throw error
    }
  }

  function fetch(): Promise<void> {
    const weight = Math.max(1, Math.min(lot, stored))
    fetching = true
    return schedule(weight, () => {
      fetching = false
      stored -= weight
      fetched += weight
      serve()
    })
  }

  // Until there was a job, the next one waits for the time at which the limiter was made.
  void schedule(0, () => undefined)

  return {
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason)
      if (stopped) return Promise.reject(new Error('the throttle is stopped'))
      const waiter = createWaiter(signal, () => waiters.delete(waiter))
      waiters.add(waiter)
      serve()
      return waiter.admitted
    },
    stop() {
      if (stopped) return
      stopped = true
      clearTimeout(timer)
      void limiter.stop({ dropWaitingJobs: true })
      for (const waiter of waiters) waiter.refuse(new Error('the throttle is stopped'))
      waiters.clear()
    },
  }
}

interface Waiter {
  readonly admitted: Promise<void>
  admit(): void
  refuse(reason: unknown): void
}

function createWaiter(signal: AbortSignal, onAbort: () => void): Waiter {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = (): void => {
    onAbort()
    reject(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  const leave = (): void => signal.removeEventListener('abort', abort)
  return {
    admitted: promise,
    admit: () => {
      leave()
      resolve()
    },
    refuse: (reason) => {
      leave()
      reject(reason)
    },
  }
}

const unthrottled: Throttle = { take: async (signal) => signal.throwIfAborted(), stop: () => {} }
