import PQueue from 'p-queue'
import { createBell } from '../bell.ts'
import type { Feed, Origin } from '../block.ts'
import type { DeliveryConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import type { LineRules } from '../process/rules.ts'
import { nextDelayMs } from './backoff.ts'
import { type Batch, batchIdOf, createSettlements, type DeadLine, type Range, type Settlements } from './batch.ts'
import type { Body } from './body/body.ts'
import type { DeadLetterEntry } from './dead-letter-entry.ts'
import { type DeliveryContext, deadRecord, sendRange, waitUntil } from './delivery.ts'
import type { Destination } from './destination.ts'
import { fill } from './filling.ts'
import { isolate, type RefusedRange } from './isolation.ts'
import { createLaneAccount, type LaneAccount } from './lane-account.ts'
import type { Throttle } from './throttle.ts'

/** Where lines go that a destination will not take. Stored means durable. */
export interface DeadLetterPort {
  write(entries: readonly DeadLetterEntry[]): Promise<StoredDeadLetters>
}

export type StoredDeadLetters =
  | { readonly kind: 'stored' }
  | { readonly kind: 'full' }
  | { readonly kind: 'failed'; readonly message: string }

export interface LaneOptions {
  readonly destination: Destination
  readonly feed: Feed
  readonly delivery: DeliveryConfig
  readonly throttle: Throttle
  readonly deadLetters: DeadLetterPort
  readonly log: Log
  /** What is done to the lines of an origin before they are sent. */
  readonly rulesOf?: (origin: Origin) => LineRules | undefined
}

/** One destination at work: reads, batches, sends, settles. */
export interface Lane {
  readonly account: LaneAccount
  /** Begins to read and send. */
  start(): void
  /** Stops reading, sends what has been read, and resolves when all of it is settled. */
  drain(): Promise<void>
  /** Gives up what is not settled: it is read again after the next start. */
  abort(): Promise<void>
}

/** A record refused alone is tried this often, and this many in a row are dead-lettered on the strength of earlier successes. */
const LONE_ROUNDS = 3
const LONE_RECORDS = 10

/** How long a lane waits before it looks again at a dead letter that is full or cannot be written. */
const HOLD_MS = 5000

/**
 * Memory is bounded by the bodies: one more than may be in flight, so that the next batch is filled while the others are
 * on their way. When all are taken nothing is read: the disk is the buffer (I2).
 */
export function createLane(options: LaneOptions): Lane {
  const { destination, feed, delivery, throttle, log } = options
  const account = createLaneAccount()
  const reading = new AbortController()
  const sending = new AbortController()
  const queue = new PQueue({ concurrency: delivery.maxInFlight })
  const context: DeliveryContext = { destination, delivery, throttle, account, log, floor: { notBeforeMs: 0 } }
  const idle: Body[] = []
  /** Rings when a body comes back and a request may be sent. */
  const freed = createBell()
  let bodies = 0
  let loop: Promise<void> = Promise.resolve()
  /** Lone records dead-lettered since the last success, and when that was. */
  let unproven = 0
  let lastProof: number | undefined

  async function takeBody(signal: AbortSignal): Promise<Body | undefined> {
    while (!signal.aborted) {
      const free = idle.pop()
      if (free) return free
      if (bodies <= delivery.maxInFlight) {
        bodies += 1
        return destination.newBody()
      }
      await freed.wait(signal)
    }
    return undefined
  }

  async function run(signal: AbortSignal): Promise<void> {
    const limits = {
      maxWaitMs: delivery.batchMaxWaitMs,
      maxDeadBytes: delivery.batchMaxBytes,
      canSend: () => account.inFlight < delivery.maxInFlight,
      sendable: freed.wait,
      rulesOf: options.rulesOf ?? (() => undefined),
    }
    for (let body = await takeBody(signal); body; body = await takeBody(signal)) {
      const batch = await fill(body, feed, limits, signal)
      if (batch) dispatch(batch)
      else idle.push(body)
    }
  }

  function dispatch(batch: Batch): void {
    account.inFlight += 1
    account.inFlightBytes += batch.bytes
    void queue.add(async () => {
      await deliver(batch, sending.signal)
      account.inFlight -= 1
      account.inFlightBytes -= batch.bytes
      batch.body.reset()
      idle.push(batch.body)
      freed.ring()
    })
  }

  /** Settles the batch, or returns without when the lane is stopped. */
  async function deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const settlements = createSettlements(batch)
    const whole = { start: 0, end: batch.records }
    const unfit = batch.deadLetters.map(({ part, bytes, entry }) => ({ part, bytes, line: entry }))
    if (!(await bury(batch, { lines: unfit, settlements }, signal))) return
    if (whole.end > 0 && !(await deliverRange({ batch, whole, settlements }, signal))) return
    settlements.settle()
  }

  async function deliverRange(
    { batch, whole, settlements }: { batch: Batch; whole: Range; settlements: Settlements },
    signal: AbortSignal,
  ): Promise<boolean> {
    for (let round = 1; ; round += 1) {
      const sentBefore = account.batchesSent
      let own = 0
      const sent = await sendRange(batch, whole, context, signal)
      if (sent.kind === 'aborted') return false
      if (sent.kind === 'delivered') {
        settlements.delivered(whole)
        return true
      }
      if (sent.kind === 'exhausted') {
        return buryRanges({ batch, settlements, refused: [{ range: whole, reason: sent.reason }] }, signal)
      }
      const isolated = await isolate(whole, sent.verdict, {
        async send(range) {
          const part = await sendRange(batch, range, context, signal)
          if (part.kind === 'delivered') own += 1
          return part
        },
        hasOtherDeliveries: () => account.batchesSent - own > sentBefore,
      })
      if (isolated.kind === 'aborted') return false
      const isHeld = delivery.mode === 'blocking-strict' && isRequestReceived(batch.body.recordLine(0))
      if (isolated.kind === 'misconfigured' && !isHeld && mayBury(whole, round)) {
        unproven += 1
        return buryRanges({ batch, settlements, refused: [{ range: whole, reason: isolated.reason }] }, signal)
      }
      if (isolated.kind === 'settled' && !isHeld) {
        for (const range of isolated.delivered) settlements.delivered(range)
        return buryRanges({ batch, settlements, refused: isolated.refused }, signal)
      }
      account.trouble = isHeld ? 'holding' : 'misconfigured'
      log.error(
        { key: `${account.trouble}:${destination.name}`, destination: destination.name, reason: sent.verdict.reason },
        isHeld
          ? 'the destination refuses a RequestReceived event: blocking-strict goes no further until it is accepted'
          : 'the destination refuses every record: nothing is dropped, the batch is tried again; check its address, path and credentials',
      )
      const { initialBackoffMs, backoffFactor, maxBackoffMs } = delivery
      const delayMs = nextDelayMs({
        attempt: round,
        initialMs: initialBackoffMs,
        factor: backoffFactor,
        maxMs: maxBackoffMs,
        random: Math.random,
      })
      if (!(await waitUntil(performance.now() + delayMs, signal))) return false
    }
  }

  /**
   * In order and one at a time, nothing sent meanwhile can prove that only this record is refused. What was accepted before
   * does, within limits: a destination that begins to refuse everything loses a few records to the dead letter.
   */
  function mayBury(whole: Range, round: number): boolean {
    if (account.lastSuccessAtMs !== lastProof) unproven = 0
    lastProof = account.lastSuccessAtMs
    return whole.end === 1 && round >= LONE_ROUNDS && lastProof !== undefined && unproven < LONE_RECORDS
  }

  function buryRanges(
    { batch, settlements, refused }: { batch: Batch; settlements: Settlements; refused: readonly RefusedRange[] },
    signal: AbortSignal,
  ): Promise<boolean> {
    const lines = refused.flatMap(({ range, reason, status }) => {
      const why = status === undefined ? { reason } : { reason, status }
      return Array.from({ length: range.end - range.start }, (_, offset) => {
        const { part, entry } = deadRecord(batch, range.start + offset, why)
        return { part, bytes: entry.line.length + 1, line: entry }
      })
    })
    return bury(batch, { lines, settlements }, signal)
  }

  /** Stores dead letters before anything is settled (I1); holds while there is no room for them. */
  async function bury(
    batch: Batch,
    {
      lines,
      settlements,
    }: { lines: readonly { part: number; bytes: number; line: DeadLine }[]; settlements: Settlements },
    signal: AbortSignal,
  ): Promise<boolean> {
    if (lines.length === 0) return true
    const batchId = batchIdOf(batch.parts, { start: 0, end: batch.records })
    for (;;) {
      const at = new Date().toISOString()
      const stored = await options.deadLetters.write(lines.map(({ line }) => ({ ...line, at, batchId })))
      if (stored.kind === 'stored') break
      account.trouble = 'holding'
      const why = stored.kind === 'full' ? 'it is full (dead_letter_max_bytes)' : stored.message
      account.lastError = { atMs: Date.now(), message: `dead letter: ${why}` }
      log.error(
        { key: `dead-letter:${destination.name}`, destination: destination.name, reason: why },
        'the dead letter takes no more lines: the destination waits and nothing is dropped; send them again with agent replay --dead-letter, remove what is not needed, or raise dead_letter_max_bytes',
      )
      if (!(await waitUntil(performance.now() + HOLD_MS, signal))) return false
    }
    if (account.trouble === 'holding') account.trouble = undefined
    account.deadLetteredRecords += lines.length
    for (const { part, bytes } of lines) settlements.deadLettered(part, bytes)
    return true
  }

  return {
    account,
    start() {
      loop = run(reading.signal)
    },
    async drain() {
      reading.abort()
      await loop
      await queue.onIdle()
      account.stopped = true
    },
    async abort() {
      reading.abort()
      sending.abort()
      await loop
      await queue.onIdle()
      account.stopped = true
    },
  }
}

/** kube-apiserver fails the request itself when this stage cannot be recorded in `blocking-strict`. */
function isRequestReceived(line: Uint8Array): boolean {
  return Buffer.from(line).includes('"stage":"RequestReceived"')
}
