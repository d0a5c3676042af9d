import { type Batch, batchIdOf, createSettlements, type DeadLettering, type Range } from '../filling/batch.ts'
import { askAgain } from './canary.ts'
import type { DeliveryContext, Sent } from './delivery.ts'
import { createCredit, isAcceptedSince } from './evidence.ts'
import { type Owing, sendOrHold } from './holding.ts'
import { type Doubted, type Doubtful, isolate, type RefusedRange } from './isolation.ts'
import { noteFailing } from './lane-account.ts'
import { laneLog } from './lane-log.ts'
import { settleRefused } from './refused-records.ts'
import { waitBackoff } from './waiting.ts'

const MISCONFIGURED =
  'the destination refuses every record: nothing is dropped, the batch is tried again; check its address, path and credentials'

/** Rounds without progress before records may be dead-lettered without proof, if nothing was accepted meanwhile. */
const UNPROVEN_ROUNDS = 3

/** Delivers batches to completion: every record is accepted or durably in the dead letter (I1). */
export function createBatchDelivery(context: DeliveryContext, deadLetter: DeadLettering) {
  const { account } = context
  const { evidence } = account
  const credit = createCredit(evidence)

  /** Settles the batch, or returns without settling it if aborted first. */
  return async (batch: Batch, signal: AbortSignal): Promise<void> => {
    // Dead letters of a batch that is not settled are stored again after the next start.
    if (signal.aborted) return
    const settlements = createSettlements(batch)
    const unfit = batch.deadLetters.flatMap(({ entry }) => entry ?? [])
    if (!(await deadLetter(unfit, batchIdOf(batch.parts, { start: 0, end: batch.records }), signal))) return
    for (const { part, bytes } of batch.deadLetters) settlements.deadLettered(part, bytes)
    const owing: Owing = { batch, settlements, failing: undefined }
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
    const refused: RefusedRange[] = []
    for (let fruitless = 1; ; fruitless += 1) {
      const startedAt = evidence.begun
      const send = sender(owing, signal)
      const ports = {
        send,
        now: () => evidence.begun,
        isAcceptedSince: (moment: number) => isAcceptedSince(evidence, moment),
        ask: () => askAgain(context, signal),
      }
      const isolated = await isolate(open, ports)
      if (isolated.kind === 'aborted') return false
      refused.push(...isolated.refused)
      if (isolated.kind === 'settled') return settle(owing, refused, signal)
      const isTried = isAcceptedSince(evidence, startedAt) || fruitless >= UNPROVEN_ROUNDS
      const fault = isTried ? await faultOf(isolated, signal) : 'unknown'
      if (fault === 'record') return settle(owing, [...refused, ...isolated.unproven], signal)
      if (fault === 'aborted' || !(await waitMisconfigured(owing, fruitless, isolated.reason, signal))) return false
      const again = await tryAgain(isolated.unproven, send)
      if (!again) return false
      if (again.refused.length > 0) fruitless = 0
      refused.push(...again.refused)
      open = [...isolated.left, ...again.open]
    }
  }

  /** Returns a sender for ranges of the batch. Until one is accepted, a failure marks the batch as failing. */
  function sender(owing: Owing, signal: AbortSignal): (range: Range) => Promise<Sent> {
    let isFailing = true
    return async (range) => {
      const sent = await sendOrHold(owing, range, context, signal)
      if (sent.kind === 'delivered') {
        isFailing = false
        endFailing(owing)
      } else if (isFailing) owing.failing ??= noteFailing(account)
      return sent
    }
  }

  /**
   * Sends doubted records again if anything was accepted since they were refused. An acceptance shows that the destination
   * works now, not that it worked when it refused them: only a record that it refuses again is at fault. A receiver that
   * refuses what it already has, even the canary, thus does not hold up the batch while it accepts anything. Undefined if
   * aborted.
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
   * Decides whether the record or the destination is at fault if records were refused and nothing was accepted since. A few
   * records are dead-lettered on credit, because asking costs a duplicate.
   */
  async function faultOf({ unproven, left }: Doubtful, signal: AbortSignal) {
    if (left.length > 0) return 'unknown'
    if (credit.take(unproven.length)) return 'record'
    const answer = await askAgain(context, signal)
    return answer === 'accepted' ? 'record' : answer
  }

  function waitMisconfigured(owing: Owing, round: number, reason: string, signal: AbortSignal): Promise<boolean> {
    owing.failing ??= noteFailing(account)
    account.trouble = 'misconfigured'
    laneLog(context).error(MISCONFIGURED, { reason })
    return waitBackoff(context, round, signal)
  }
}
