import { setTimeout as sleep } from 'node:timers/promises'
import type { Config, DestinationConfig } from '../config/config.ts'
import type { AgentLog } from '../observe/log.ts'
import type { RulesOf } from '../process/source-rules.ts'
import { deadLetterPath } from '../run-path.ts'
import { type DeadLetter, openDeadLetter } from '../ship/dead-letter/dead-letter.ts'
import type { Destination } from '../ship/destination.ts'
import { configuredDestination } from '../ship/destinations/create.ts'
import { createLane, type Lane } from '../ship/lane.ts'
import { configuredThrottle } from '../ship/throttle.ts'
import type { Tailer } from '../tail/tailer.ts'

const RECOUNT_MS = 2000

/** Ships to one destination. */
export interface Shipper {
  readonly destination: Destination
  readonly lane: Lane
  readonly deadLetters: DeadLetter
}

export interface ShipperContext {
  readonly config: Config
  readonly log: AgentLog
  readonly version: string
  readonly tailer: Tailer
  readonly rulesOf: RulesOf
}

export async function openShipper(config: DestinationConfig, context: ShipperContext): Promise<Shipper> {
  const { version, tailer, rulesOf } = context
  const log = context.log.component('ship')
  const destination = configuredDestination(config, context.config, {
    version,
    warn: (message) => log.warn({ key: `destination:${config.name}:${message}`, destination: config.name }, message),
  })
  const deadLetters = await openDeadLetter({
    dir: deadLetterPath(context.config.checkpoint.runPath, config.name),
    maxBytes: config.deadLetterMaxBytes,
  })
  const throttle = await configuredThrottle(config.delivery)
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
export function watchShipper(shipper: Shipper, signal: AbortSignal): void {
  void shipper.lane.checkConnection(signal)
  void recount(shipper, signal)
}

/** Needed because a replay, a separate process, removes entries from the dead-letter directory. */
async function recount({ deadLetters }: Shipper, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(RECOUNT_MS, undefined, { signal, ref: false }).catch(() => undefined)
    await deadLetters.refresh()
  }
}
