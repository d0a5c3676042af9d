import { setTimeout as sleep } from 'node:timers/promises'
import type { Config, DestinationConfig } from '../config/config.ts'
import type { AgentLog } from '../observe/log.ts'
import type { openRules } from '../process/source-rules.ts'
import { deadLetterPath } from '../run-path.ts'
import { type DeadLetter, openDeadLetter } from '../ship/dead-letter.ts'
import type { Destination } from '../ship/destination.ts'
import { configuredDestination } from '../ship/destinations/create.ts'
import { createLane, type Lane } from '../ship/lane.ts'
import { createThrottle } from '../ship/throttle.ts'
import type { Tailer } from '../tail/tailer.ts'

const RECOUNT_MS = 2000

/** One destination at work. */
export interface Shipping {
  readonly destination: Destination
  readonly lane: Lane
  readonly deadLetters: DeadLetter
}

export interface ShippingSurroundings {
  readonly config: Config
  readonly log: AgentLog
  readonly version: string
  readonly tailer: Tailer
  readonly rulesOf: Awaited<ReturnType<typeof openRules>>
}

export async function openShipping(config: DestinationConfig, around: ShippingSurroundings): Promise<Shipping> {
  const { version, tailer, rulesOf } = around
  const log = around.log.component('ship')
  const destination = configuredDestination(config, around.config, {
    version,
    warn: (message) => log.warn({ key: `destination:${config.name}:${message}`, destination: config.name }, message),
  })
  const deadLetters = await openDeadLetter({
    dir: deadLetterPath(around.config.checkpoint.runPath, config.name),
    maxBytes: config.deadLetterMaxBytes,
  })
  const { throttleQps: qps, throttleBurst: burst, throttleEnable: enabled } = config.delivery
  const throttle = await createThrottle({ qps, burst, enabled })
  const lane = createLane({
    destination,
    feed: tailer.feed(config.name),
    delivery: config.delivery,
    throttle,
    deadLetters,
    log,
    rulesOf,
  })
  return { destination, lane, deadLetters }
}

/** Runs in the background until `signal` aborts. */
export function watchShipping(shipping: Shipping, log: AgentLog, signal: AbortSignal): void {
  void checkConnection(shipping, log, signal)
  void recount(shipping, signal)
}

/** Reports early what an operator can fix: a wrong address, a wrong key. */
async function checkConnection({ destination, lane }: Shipping, log: AgentLog, signal: AbortSignal): Promise<void> {
  const verdict = await lane.probe(signal)
  if (!verdict) return
  if (verdict.kind === 'delivered') log.info({ destination: destination.name }, 'the destination answers')
  else
    log.warn({ destination: destination.name, reason: verdict.reason }, 'the destination does not accept requests yet')
}

/** A replay is a separate process and removes entries from the dead-letter directory. */
async function recount({ deadLetters }: Shipping, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(RECOUNT_MS, undefined, { signal, ref: false }).catch(() => undefined)
    await deadLetters.refresh()
  }
}
