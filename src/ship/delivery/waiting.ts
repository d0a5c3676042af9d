import { setTimeout as sleep } from 'node:timers/promises'
import type { DeliveryConfig } from '../../config/config.ts'
import type { Verdict } from '../destination.ts'
import { nextDelayMs } from './backoff.ts'
import type { DeliveryContext } from './delivery.ts'

/** Waits for Retry-After and for a token; false if aborted first. */
export async function waitTurn({ floor, throttle }: DeliveryContext, signal: AbortSignal): Promise<boolean> {
  do {
    if (!(await waitUntil(floor.notBeforeMs, signal))) return false
    try {
      await throttle.take(signal)
    } catch (error) {
      if (signal.aborted) return false
      throw error
    }
  } while (floor.notBeforeMs > performance.now())
  return !signal.aborted
}

export function raiseFloor(
  { floor }: DeliveryContext,
  { retryAfterMs = 0 }: Extract<Verdict, { kind: 'retry' }>,
): void {
  floor.notBeforeMs = Math.max(floor.notBeforeMs, performance.now() + retryAfterMs)
}

/** Returns the delay after `attempt` consecutive failures. */
function backoffMs({ initialBackoffMs, backoffFactor, maxBackoffMs }: DeliveryConfig, attempt: number): number {
  return nextDelayMs({
    attempt,
    initialMs: initialBackoffMs,
    factor: backoffFactor,
    maxMs: maxBackoffMs,
    random: Math.random,
  })
}

/** Waits for the backoff after `attempt` failures, and counts the next attempt as a due retry; false if aborted first. */
export async function waitBackoff(
  { delivery, account, floor }: DeliveryContext,
  attempt: number,
  signal: AbortSignal,
): Promise<boolean> {
  const nowMs = performance.now()
  const untilMs = Math.max(nowMs + backoffMs(delivery, attempt), floor.notBeforeMs)
  const due = { atMs: Date.now() + untilMs - nowMs }
  account.retries += 1
  account.attemptsDue.add(due)
  const done = await waitUntil(untilMs, signal)
  account.retryTimeMs += performance.now() - nowMs
  account.attemptsDue.delete(due)
  return done
}

/**
 * Waits until `atMs` on the monotonic clock, which cannot be set; false if aborted first. Waits in steps, because a timer
 * lasts at most 24.8 days.
 */
export async function waitUntil(atMs: number, signal: AbortSignal): Promise<boolean> {
  for (let leftMs = atMs - performance.now(); leftMs > 0 && !signal.aborted; leftMs = atMs - performance.now()) {
    await sleep(Math.min(leftMs, 2 ** 30), undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
  return !signal.aborted
}
