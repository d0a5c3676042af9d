import type { DeliveryConfig } from '../config/config.ts'
import { createTokenBucket } from './token-bucket.ts'

/** Admits requests: one token each. */
export interface Throttle {
  /** Resolves when a request may be sent, first come first served. Rejects with the signal's reason when it is aborted. */
  take(signal: AbortSignal): Promise<void>
  /** Rejects every pending take and all later ones. */
  stop(): void
}

interface ThrottleOptions {
  readonly enabled: boolean
  /** Tokens per second; may be below one. */
  readonly qps: number
  /** The bucket's capacity in tokens; a whole number. */
  readonly burst: number
  /** A monotonic clock in milliseconds. */
  readonly clock?: () => number
}

/** How early tokens are issued, to arrive when due: Bottleneck passes them through three timers, which takes 3 to 4 ms. */
const LEAD_MS = 10

/**
 * Minimum time between two of Bottleneck's jobs. Bottleneck schedules the next job by the wall clock: if that is set back by an
 * hour, all jobs wait for an hour, unless the scheduled time is always in the past.
 */
const FAR_IN_THE_PAST = Number.NEGATIVE_INFINITY

/** Node fires a timer of more than 24.8 days immediately. */
const MAX_TIMER_MS = 60_000

/**
 * Admits at most `burst` + `qps` × t takes in any window of t seconds, and reaches `qps` under sustained load.
 *
 * Two gates in series: Bottleneck queues the takers and holds the tokens, without a refill of its own; the token bucket decides
 * at the moment a take is admitted (docs/decisions/a-bucket-beside-bottleneck.md). Bottleneck gets tokens `LEAD_MS` before they
 * accrue, because with a burst of 1, its latency would otherwise delay every token. One job fetches all that accrue in that
 * time.
 */
export async function createThrottle(options: ThrottleOptions): Promise<Throttle> {
  const { enabled, qps, burst, clock = () => performance.now() } = options
  if (!enabled) return unthrottled
  const { default: Bottleneck } = await import('bottleneck')
  const limiter = new Bottleneck({ reservoir: burst, minTime: FAR_IN_THE_PAST })
  const bucket = createTokenBucket(qps, burst)
  const lot = Math.ceil((qps * LEAD_MS) / 1000)
  const waiters = new Set<Waiter>()
  /** Tokens in Bottleneck's reservoir or on the way into it, and tokens fetched from it. Together at most `burst`. */
  let stored = burst
  let fetched = 0
  let fetching = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  /** Admits every waiter it can, and schedules itself for when the next one can be admitted. */
  function serve(): void {
    clearTimeout(timer)
    const nowMs = clock()
    for (const waiter of waiters) {
      if (fetched === 0 || !bucket.take(nowMs)) break
      fetched -= 1
      waiters.delete(waiter)
      waiter.admit()
    }
    const accrued = bucket.tokensAt(nowMs + LEAD_MS) - stored - fetched
    if (accrued > 0) {
      stored += accrued
      void limiter.incrementReservoir(accrued)
    }
    if (waiters.size === 0) return
    if (fetched === 0 && !fetching) void fetch()
    // With tokens stored and none fetched, the running job will call `serve` itself.
    if (fetched === 0 && stored > 0) return
    const waitMs = bucket.nextTokenMs() - (fetched === 0 ? LEAD_MS : 0) - nowMs
    timer = setTimeout(serve, Math.min(MAX_TIMER_MS, Math.max(1, Math.ceil(waitMs))))
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

  // Before its first job, Bottleneck waits until its creation time, which a clock that is set back puts into the future.
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

/** Creates the throttle that a destination's `delivery:` configures. */
export function configuredThrottle(delivery: DeliveryConfig): Promise<Throttle> {
  const { throttleEnable: enabled, throttleQps: qps, throttleBurst: burst } = delivery
  return createThrottle({ enabled, qps, burst })
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
