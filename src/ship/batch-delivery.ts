import { type Batch, batchIdOf, createSettlements, type DeadLine, type Range, type Settlements } from './batch.ts'
import type { Bury } from './burial.ts'
import { backoffMs, type DeliveryContext, deadRecord, noteDecision, sendRange, waitUntil } from './delivery.ts'
import { type Isolated, isolate, type RefusedRange } from './isolation.ts'
import { type Failing, noteFailing } from './lane-account.ts'
import { type Shortened, sendShortened, shorten } from './shortening.ts'

/**
 * A batch of which nothing is accepted is tried this often, and so many records in a row are dead-lettered on the strength of
 * earlier successes.
 */
const UNPROVEN_ROUNDS = 3
const UNPROVEN_RECORDS = 10

interface Owing {
  readonly batch: Batch
  readonly whole: Range
  readonly settlements: Settlements
  /** It was refused, and none of its records has been accepted since. */
  failing?: Failing | undefined
}

/** Brings batches to their end: every record delivered, or durably in the dead letter (I1). */
export function createBatchDelivery(context: DeliveryContext, bury: Bury) {
  const { delivery, account } = context
  /** Records dead-lettered with nothing accepted beside them since the last success, and how many batches were sent by then. */
  let unproven = 0
  let provenBy = 0

  /** Settles the batch, or returns without when `signal` comes first. */
  return async (batch: Batch, signal: AbortSignal): Promise<void> => {
    const settlements = createSettlements(batch)
    const whole = { start: 0, end: batch.records }
    const unfit = batch.deadLetters.flatMap(({ entry }) => entry ?? [])
    if (!(await bury(unfit, batchIdOf(batch.parts, whole), signal))) return
    for (const { part, bytes } of batch.deadLetters) settlements.deadLettered(part, bytes)
    const owing: Owing = { batch, whole, settlements }
    try {
      if (whole.end > 0 && !(await deliverWhole(owing, signal))) return
    } finally {
      endFailing(owing)
    }
    settlements.settle()
  }

  function endFailing(owing: Owing): void {
    if (owing.failing) account.failing.delete(owing.failing)
    owing.failing = undefined
  }

  async function deliverWhole(owing: Owing, signal: AbortSignal): Promise<boolean> {
    const { batch, whole } = owing
    for (let round = 1; ; round += 1) {
      const sentBefore = account.batchesSent
      let own = 0
      const sent = await sendRange(batch, whole, context, signal)
      if (sent.kind === 'aborted') return false
      if (sent.kind === 'delivered') return true
      owing.failing ??= noteFailing(account)
      if (delivery.mode === 'blocking-strict' && isRequestReceived(batch.body.recordLine(0))) {
        const reason = sent.kind === 'refused' ? sent.verdict.reason : sent.reason
        if (!(await hold(round, reason, signal))) return false
        continue
      }
      const isolated: Isolated =
        sent.kind === 'exhausted'
          ? { kind: 'settled', refused: [{ range: whole, kind: 'exhausted', reason: sent.reason }] }
          : await isolate(whole, sent.verdict, {
              async send(range) {
                const part = await sendRange(batch, range, context, signal)
                if (part.kind !== 'delivered') return part
                own += 1
                endFailing(owing)
                return part
              },
              hasOtherDeliveries: () => account.batchesSent - own > sentBefore,
            })
      if (isolated.kind === 'aborted') return false
      if (isolated.kind === 'settled') return settleIsolated(owing, isolated.refused, signal)
      if (mayBury(isolated.refused, round)) return settleIsolated(owing, isolated.refused, signal)
      account.trouble = 'misconfigured'
      report(
        isolated.reason,
        'the destination refuses every record: nothing is dropped, the batch is tried again; check its address, path and credentials',
      )
      if (!(await waitRound(round, signal))) return false
    }
  }

  /** kube-apiserver fails the request itself when this stage cannot be recorded in `blocking-strict`: nothing passes it. */
  async function hold(round: number, reason: string, signal: AbortSignal): Promise<boolean> {
    account.held += 1
    report(
      reason,
      'the destination refuses a RequestReceived event: blocking-strict goes no further until it is accepted',
    )
    const done = await waitRound(round, signal)
    account.held -= 1
    return done
  }

  /**
   * In order and one at a time, nothing sent meanwhile can prove that only these records are refused. What was accepted
   * before does, within limits: a destination that begins to refuse everything loses a few records to the dead letter.
   */
  function mayBury(refused: readonly RefusedRange[], round: number): boolean {
    if (account.batchesSent !== provenBy) unproven = 0
    provenBy = account.batchesSent
    // Too large is a matter of the record alone.
    const rejected = refused.filter(({ kind }) => kind === 'rejected').length
    if (rejected === 0 || round < UNPROVEN_ROUNDS || provenBy === 0) return false
    if (unproven + rejected > UNPROVEN_RECORDS) return false
    unproven += rejected
    return true
  }

  async function settleIsolated(owing: Owing, refused: readonly RefusedRange[], signal: AbortSignal): Promise<boolean> {
    const { batch, whole, settlements } = owing
    const records = refused.flatMap((range) => recordsOf(batch, range))
    const dead: RefusedRecord[] = []
    for (const record of records) {
      const sent = record.shortened && (await sendShortened(batch, record.shortened, context, signal))
      if (sent === 'aborted') return false
      if (sent === 'delivered') {
        endFailing(owing)
        settlements.truncated(record.part, record.line.line.length - (record.shortened?.text.length ?? 0))
        noteTruncated(record.line.reason)
      } else dead.push(record)
    }
    const lines = dead.map(({ line }) => line)
    if (!(await bury(lines, batchIdOf(batch.parts, whole), signal))) return false
    if (refused.some(({ kind }) => kind !== 'exhausted')) noteDecision(account)
    for (const { part, line } of dead) settlements.deadLettered(part, line.line.length + 1)
    return true
  }

  function noteTruncated(reason: string): void {
    const { name } = context.destination
    context.log.warn(
      { key: `truncated:${name}`, destination: name, reason },
      'an event was too large for the destination and is delivered without requestObject and responseObject',
    )
  }

  function report(reason: string, message: string): void {
    const { name } = context.destination
    context.log.error({ key: `${message}:${name}`, destination: name, reason }, message)
  }

  function waitRound(round: number, signal: AbortSignal): Promise<boolean> {
    return waitUntil(performance.now() + backoffMs(delivery, round), signal)
  }
}

interface RefusedRecord {
  readonly index: number
  readonly part: number
  readonly line: DeadLine
  /** What may be tried before it is dead. */
  readonly shortened: Shortened | undefined
}

/** All that is to be known of refused records, as copies. */
function recordsOf(batch: Batch, { range, kind, reason, status }: RefusedRange): RefusedRecord[] {
  const why = status === undefined ? { reason } : { reason, status }
  return Array.from({ length: range.end - range.start }, (_, offset) => {
    const index = range.start + offset
    const { part, entry } = deadRecord(batch, index, why)
    return { index, part, line: entry, shortened: kind === 'too-large' ? shorten(batch, index) : undefined }
  })
}

/** A record of a datadog destination may be any text. */
function isRequestReceived(line: Uint8Array): boolean {
  try {
    return JSON.parse(Buffer.from(line).toString())?.stage === 'RequestReceived'
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
