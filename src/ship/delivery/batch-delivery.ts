import { randomUUID } from 'node:crypto'
import {
  type Batch,
  batchIdOf,
  createSettlements,
  type DeadLettering,
  joined,
  type Range,
  type Settlements,
} from '../filling/batch.ts'
import { type DeliveryContext, type Sent, sendRange, sendUntilDecided, waitBackoff } from './delivery.ts'
import { createCredit, isAcceptedSince } from './evidence.ts'
import { type Doubted, type Doubtful, isolate, type ProbeResult, type RefusedRange } from './isolation.ts'
import { type Failing, noteFailing } from './lane-account.ts'
import { settleRefused } from './refused-records.ts'

/** Rounds before records may be dead-lettered without proof, if nothing was accepted in the meantime. */
const UNPROVEN_ROUNDS = 3

interface Owing {
  readonly batch: Batch
  readonly settlements: Settlements
  /** Set once the batch is refused, until one of its records is accepted. */
  failing?: Failing | undefined
}

/** Delivers batches to completion: every record is accepted or durably in the dead letter (I1). */
export function createBatchDelivery(context: DeliveryContext, deadLetter: DeadLettering) {
  const { delivery, account } = context
  const { evidence } = account
  const credit = createCredit(evidence)

  /** Settles the batch, or returns without settling it if aborted first. */
  return async (batch: Batch, signal: AbortSignal): Promise<void> => {
    // Dead letters of a batch that is not settled are there twice after the next start.
    if (signal.aborted) return
    const settlements = createSettlements(batch)
    const unfit = batch.deadLetters.flatMap(({ entry }) => entry ?? [])
    if (!(await deadLetter(unfit, batchIdOf(batch.parts, { start: 0, end: batch.records }), signal))) return
    for (const { part, bytes } of batch.deadLetters) settlements.deadLettered(part, bytes)
    const owing: Owing = { batch, settlements }
    try {
      if (batch.records > 0 && !(await deliverRecords(owing, signal))) return
    } finally {
      endFailing(owing)
    }
    settlements.settle()
  }

  function endFailing(owing: Owing): void {
    if (owing.failing) account.failing.delete(owing.failing)
    owing.failing = undefined
  }

  /** Works in rounds, each over what the previous one left unsettled: accepted records are not sent again. */
  async function deliverRecords(owing: Owing, signal: AbortSignal): Promise<boolean> {
    let open: readonly Range[] = [{ start: 0, end: owing.batch.records }]
    let parts = open
    const refused: RefusedRange[] = []
    for (let round = 1; ; round += 1) {
      const startedAt = evidence.begun
      const send = sender(owing, signal)
      const ports = {
        send,
        now: () => evidence.begun,
        isAcceptedSince: (moment: number) => isAcceptedSince(evidence, moment),
        ask: () => askAgain(signal),
      }
      const isolated = await isolate(open, ports, parts)
      if (isolated.kind === 'aborted') return false
      refused.push(...isolated.refused)
      if (isolated.kind === 'settled') return settle(owing, refused, signal)
      const isTried = isAcceptedSince(evidence, startedAt) || round >= UNPROVEN_ROUNDS
      const fault = isTried ? await faultOf(isolated, signal) : 'unknown'
      if (fault === 'record') return settle(owing, [...refused, ...isolated.unproven], signal)
      if (fault === 'aborted' || !(await waitMisconfigured(owing, round, isolated.reason, signal))) return false
      const again = await tryAgain(isolated.unproven, send)
      if (!again) return false
      if (again.refused.length > 0) round = 0
      refused.push(...again.refused)
      parts = [...isolated.left, ...again.open]
      open = joined(parts)
    }
  }

  /** Sends ranges of a batch, which is failing until one of them is accepted. */
  function sender(owing: Owing, signal: AbortSignal): (range: Range) => Promise<Sent> {
    let isFailing = true
    return async (range) => {
      const sent = await sendOrHold(owing, range, signal)
      if (sent.kind === 'delivered') {
        isFailing = false
        endFailing(owing)
      } else if (isFailing) owing.failing ??= noteFailing(account)
      return sent
    }
  }

  /**
   * Records of other batches accepted while this one waited show that the destination works now, not that it worked when it
   * refused a record: only a record that it refuses again is at fault. So a receiver that refuses what it already has,
   * including the test record, does not hold up the batch as long as it accepts anything. Undefined if aborted.
   */
  async function tryAgain(
    doubted: readonly Doubted[],
    send: (range: Range) => Promise<Sent>,
  ): Promise<{ readonly refused: readonly RefusedRange[]; readonly open: readonly Range[] } | undefined> {
    const refused: RefusedRange[] = []
    const open: Range[] = []
    for (const { range, at } of doubted) {
      const sent = isAcceptedSince(evidence, at) ? await send(range) : undefined
      if (sent === undefined) open.push(range)
      else if (sent.kind === 'aborted') return undefined
      else if (sent.kind === 'refused') refused.push({ range, ...sent.verdict })
      else if (sent.kind === 'exhausted') refused.push({ range, ...sent })
    }
    return { refused, open }
  }

  function settle(owing: Owing, refused: readonly RefusedRange[], signal: AbortSignal): Promise<boolean> {
    return settleRefused({ ...owing, refused }, context, { deadLetter, accepted: () => endFailing(owing) }, signal)
  }

  /**
   * Whether the record or the destination is at fault when records were refused and nothing was accepted since. A few are
   * dead-lettered on credit, as asking costs a duplicate.
   */
  async function faultOf({ unproven, left }: Doubtful, signal: AbortSignal) {
    if (left.length > 0) return 'unknown'
    if (credit.take(unproven.length)) return 'record'
    const answer = await askAgain(signal)
    return answer === 'accepted' ? 'record' : answer
  }

  /** Resends a previously accepted record, under a new id: a receiver may accept what it knows by its id, whatever else it refuses. */
  async function askAgain(signal: AbortSignal): Promise<ProbeResult> {
    const { canary } = evidence
    if (!canary) return 'unknown'
    const { destination, log } = context
    const batchId = randomUUID().replaceAll('-', '')
    const message = 'a record that was accepted is sent again, to learn whether anything is accepted still'
    log.info({ key: `${message}:${destination.name}`, destination: destination.name }, message)
    const sent = await sendUntilDecided({ ...canary, batchId, cache: {} }, context, signal)
    if (sent.kind === 'aborted') return 'aborted'
    return sent.kind === 'delivered' ? 'accepted' : 'refused'
  }

  /** In `blocking-strict`, kube-apiserver fails the request itself if RequestReceived cannot be recorded: nothing overtakes it here. */
  async function sendOrHold(owing: Owing, range: Range, signal: AbortSignal): Promise<Sent> {
    const { batch } = owing
    for (let round = 1; ; round += 1) {
      const sent = await sendRange(batch, range, context, signal)
      if (delivery.mode !== 'blocking-strict' || sent.kind === 'delivered' || sent.kind === 'aborted') return sent
      if (!isRequestReceived(batch.body.recordLine(range.start))) return sent
      owing.failing ??= noteFailing(account)
      account.held += 1
      report(
        sent.kind === 'refused' ? sent.verdict.reason : sent.reason,
        'the destination refuses a RequestReceived event: blocking-strict goes no further until it is accepted',
      )
      const done = await waitBackoff(context, round, signal)
      account.held -= 1
      if (!done) return { kind: 'aborted' }
    }
  }

  function waitMisconfigured(owing: Owing, round: number, reason: string, signal: AbortSignal): Promise<boolean> {
    owing.failing ??= noteFailing(account)
    account.trouble = 'misconfigured'
    report(
      reason,
      'the destination refuses every record: nothing is dropped, the batch is tried again; check its address, path and credentials',
    )
    return waitBackoff(context, round, signal)
  }

  function report(reason: string, message: string): void {
    const { name } = context.destination
    context.log.error({ key: `${message}:${name}`, destination: name, reason }, message)
  }
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
