import PQueue from 'p-queue'
import type { Feed } from '../chunk.ts'
import type { DeliveryConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import { createNotifier } from '../notifier.ts'
import type { RulesOf } from '../process/source-rules.ts'
import type { Body } from './body/body.ts'
import type { DeadLetter } from './dead-letter/dead-letter.ts'
import { createBatchDelivery } from './delivery/batch-delivery.ts'
import { checkConnection } from './delivery/connection-check.ts'
import { createDeadLettering } from './delivery/dead-lettering.ts'
import type { DeliveryContext } from './delivery/delivery.ts'
import { createLaneAccount, type LaneAccount } from './delivery/lane-account.ts'
import type { Destination } from './destination.ts'
import type { Batch } from './filling/batch.ts'
import { fill } from './filling/filling.ts'
import { createPool } from './pool.ts'
import type { Throttle } from './throttle.ts'

export interface LaneOptions {
  readonly destination: Destination
  readonly feed: Feed
  readonly delivery: DeliveryConfig
  readonly throttle: Throttle
  readonly deadLetters: Pick<DeadLetter, 'write'>
  readonly log: Log
  readonly rulesOf?: RulesOf
}

/** One destination at work: reads, batches, sends, settles. */
export interface Lane {
  readonly account: LaneAccount
  /** Begins to read and send. */
  start(): void
  /** Checks, if the protocol can, whether the destination accepts our requests, until it does or a batch is sent. */
  checkConnection(signal: AbortSignal): Promise<void>
  /** Stops reading, sends what has been read, and resolves when all of it is settled. */
  drain(): Promise<void>
  /** Abandons what is not settled: it is read again after the next start. */
  abort(): Promise<void>
}

/** Memory limit for the dead lines of all batches of a lane. Unlike bodies, they live in the V8 heap. */
const MAX_DEAD_BYTES = 8 * 1024 * 1024

/**
 * The number of bodies bounds memory: one more than may be in flight, so that the next batch is filled while the others are
 * being sent. When all are in use, nothing is read: the disk is the buffer (I2).
 */
export function createLane(options: LaneOptions): Lane {
  const { destination, feed, delivery, throttle, log } = options
  const account = createLaneAccount()
  const reading = new AbortController()
  const sending = new AbortController()
  const firstBatch = new AbortController()
  const queue = new PQueue({ concurrency: delivery.maxInFlight })
  const context: DeliveryContext = { destination, delivery, throttle, account, log, floor: { notBeforeMs: 0 } }
  const deadLetter = createDeadLettering(context, options.deadLetters)
  const deliver = createBatchDelivery(context, deadLetter)
  const bodies = createPool<Body>()
  /** Notified once a body has been returned and another request may be sent. */
  const freed = createNotifier()
  let inUse = 0
  let loop: Promise<void> = Promise.resolve()

  async function takeBody(signal: AbortSignal): Promise<Body | undefined> {
    while (inUse > delivery.maxInFlight && !signal.aborted) await freed.wait(signal)
    if (signal.aborted) return undefined
    inUse += 1
    return bodies.take() ?? destination.newBody()
  }

  function giveBack(body: Body): void {
    inUse -= 1
    bodies.give(body)
  }

  async function run(signal: AbortSignal): Promise<void> {
    const limits = {
      maxWaitMs: delivery.batchMaxWaitMs,
      maxDeadBytes: MAX_DEAD_BYTES / (delivery.maxInFlight + 1),
      canSend: () => account.inFlight < delivery.maxInFlight,
      sendable: freed.wait,
      rulesOf: options.rulesOf ?? (() => undefined),
      deadLetter,
    }
    for (let body = await takeBody(signal); body; body = await takeBody(signal)) {
      const batch = await fill(body, feed, limits, signal)
      if (batch) dispatch(batch)
      else giveBack(body)
    }
  }

  function dispatch(batch: Batch): void {
    account.inFlight += 1
    account.inFlightBytes += batch.bytes
    if (batch.records > 0) firstBatch.abort()
    void queue.add(async () => {
      await deliver(batch, sending.signal)
      account.inFlight -= 1
      account.inFlightBytes -= batch.bytes
      batch.body.reset()
      giveBack(batch.body)
      freed.notify()
    })
  }

  async function drain(): Promise<void> {
    reading.abort()
    await loop
    await queue.onIdle()
    account.stopped = true
  }

  return {
    account,
    start() {
      loop = run(reading.signal)
    },
    checkConnection: (signal) => checkConnection(context, { signal, firstBatch: firstBatch.signal }),
    drain,
    abort() {
      sending.abort()
      return drain()
    },
  }
}
