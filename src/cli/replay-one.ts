import type { Config, DestinationConfig } from '../config/config.ts'
import type { Output } from '../io.ts'
import { deadLetterPath } from '../run-path.ts'
import type { DeadLetterEntry } from '../ship/dead-letter/entry.ts'
import { replayDeadLetter } from '../ship/dead-letter/replay.ts'
import { createLaneAccount } from '../ship/delivery/lane-account.ts'
import { createRedelivery } from '../ship/delivery/redelivery.ts'
import { configuredDestination } from '../ship/destinations/create.ts'
import { configuredThrottle } from '../ship/throttle.ts'
import type { SystemError } from '../system/system-error.ts'
import { originsOf } from './dead-letter-origins.ts'
import { createProgress } from './progress.ts'
import { countReason, type Reasons } from './reasons.ts'

/** The outcome of replaying one destination's dead letter. */
export interface Replay {
  readonly destination: string
  /** Delivered and removed. */
  readonly delivered: number
  readonly kept: Reasons
  /** Lines that are damaged or of another format; they stay. */
  readonly unreadable: number
  /** Why the destination could not be reached: the rest was not tried. Undefined if it was reached. */
  readonly unreachable: string | undefined
  readonly fault: SystemError | undefined
  /** Whether a signal arrived before everything was tried. */
  readonly interrupted: boolean
}

export interface ReplayOneOptions {
  readonly config: Config
  /** Attempts per request before the destination counts as unreachable. */
  readonly attempts: number
  readonly version: string
  readonly stderr: Output
}

/** Limit of one batch, as its entries are written in the dead letter. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024

export async function replayOne(
  destinationConfig: DestinationConfig,
  { config, attempts, version, stderr }: ReplayOneOptions,
  signal: AbortSignal,
): Promise<Replay> {
  const { name, delivery } = destinationConfig
  const progress = createProgress(name, stderr)
  const destination = configuredDestination(destinationConfig, config, {
    version,
    warn: (message) => progress.warn(message),
  })
  const throttle = await configuredThrottle(delivery)
  const redeliver = createRedelivery({
    context: {
      destination,
      delivery: { ...delivery, maxAttempts: attempts },
      throttle,
      account: createLaneAccount(),
      log: progress.log,
      floor: { notBeforeMs: 0 },
    },
    originOf: originsOf(config),
  })
  const kept = new Map<string, number>()
  const givenUp = new AbortController()
  const stopped = AbortSignal.any([signal, givenUp.signal])
  let unreachable: string | undefined

  async function send(entries: readonly DeadLetterEntry[]): Promise<ReadonlySet<number>> {
    const sent = await redeliver(entries, stopped)
    for (const reason of sent.kept.values()) countReason(kept, reason)
    progress.add(entries.length, sent.delivered.size)
    unreachable = sent.unreachable
    if (unreachable !== undefined) givenUp.abort()
    return sent.delivered
  }

  try {
    const batchBytes = Math.min(MAX_BATCH_BYTES, delivery.batchMaxBytes)
    const dir = deadLetterPath(config.checkpoint.runPath, destinationConfig.name)
    const replayed = await replayDeadLetter({ dir, send, batchRecords: delivery.batchMaxSize, batchBytes }, stopped)
    const { delivered, unreadable, fault } = replayed
    return { destination: name, delivered, kept, unreadable, unreachable, fault, interrupted: signal.aborted }
  } finally {
    progress.end()
    throttle.stop()
    await destination.close()
  }
}
