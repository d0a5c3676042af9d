import type { Verdict } from '../destination.ts'
import { type DeliveryContext, noteError } from './delivery.ts'
import { type Failing, noteFailing } from './lane-account.ts'
import { laneLog } from './lane-log.ts'
import { raiseFloor, waitBackoff, waitTurn } from './waiting.ts'

export interface CheckSignals {
  readonly signal: AbortSignal
  /** Aborted by the first batch, whose answers tell more. */
  readonly firstBatch: AbortSignal
}

/**
 * Checks whether the destination accepts our requests, throttled and retried like any request, until it does. A wrong address
 * or key thus shows in the status before there is anything to send, until it is corrected.
 */
export async function checkConnection(context: DeliveryContext, { signal, firstBatch }: CheckSignals): Promise<void> {
  const { account, destination } = context
  const waiting = AbortSignal.any([signal, firstBatch])
  let failing: Failing | undefined
  try {
    for (let attempt = 1; ; attempt += 1) {
      if (!destination.probe || !(await waitTurn(context, waiting))) return
      const verdict = await destination.probe(signal)
      if (signal.aborted) return
      report(context, verdict)
      if (verdict.kind === 'retry') raiseFloor(context, verdict)
      if (firstBatch.aborted) return
      if (verdict.kind !== 'retry') {
        account.trouble = undefined
        return
      }
      noteError(account, verdict)
      failing ??= noteFailing(account)
      if (!(await waitBackoff(context, attempt, waiting))) return
    }
  } finally {
    if (failing) account.failing.delete(failing)
  }
}

function report(context: DeliveryContext, verdict: Verdict): void {
  const log = laneLog(context)
  if (verdict.kind === 'delivered') log.info('the destination answers')
  else log.warn('the destination does not accept requests yet', { reason: verdict.reason })
}
