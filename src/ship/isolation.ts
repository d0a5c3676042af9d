import type { Range } from './batch.ts'
import type { Refusal, Sent } from './delivery.ts'

export interface IsolationPorts {
  send(range: Range): Promise<Sent>
  /** Something else was delivered since this batch was first refused: the destination does accept records. */
  hasOtherDeliveries(): boolean
}

/**
 * `misconfigured`: everything was refused, so the fault is not a record's; nothing may be settled. `refused`: all that the
 * batch consists of, where it was tried to the last record.
 */
export type Isolated =
  | { readonly kind: 'settled'; readonly refused: readonly RefusedRange[] }
  | { readonly kind: 'misconfigured'; readonly reason: string; readonly refused: readonly RefusedRange[] }
  | { readonly kind: 'aborted' }

/** Single records the destination refused, or ranges it never answered for within `max_attempts`. */
export interface RefusedRange {
  readonly range: Range
  readonly kind: Refusal['kind'] | 'exhausted'
  readonly reason: string
  readonly status?: number
}

/**
 * Ranges that may be rejected with nothing delivered before the destination and not the records is held to be wrong:
 * enough to reach single records of a batch of 1000, and ranges all over it. Too large is no reason to end the search, as
 * each record is to be tried by itself.
 */
const UNPROVEN_REJECTIONS = 24

/**
 * Finds the records a destination refuses: halves a refused range until single records are left. One bad record of n
 * costs at most 2·⌈log2 n⌉ further requests. While nothing was accepted yet, narrow and wide ranges are tried in turn:
 * a good record between bad ones proves that the destination works, wherever the bad ones are.
 */
export async function isolate(whole: Range, first: Refusal, ports: IsolationPorts): Promise<Isolated> {
  let hasDelivered = false
  const refused: RefusedRange[] = []
  const open: { range: Range; verdict: Refusal }[] = [{ range: whole, verdict: first }]
  const isProven = () => hasDelivered || ports.hasOtherDeliveries()
  let requests = 0
  let rejections = 0
  let doubt: Refusal | undefined
  for (;;) {
    const next = requests % 4 < 2 ? open.shift() : open.pop()
    if (!next) break
    const { range, verdict } = next
    if (range.end - range.start === 1) {
      refused.push({ range, ...verdict })
      // Too large is a matter of the record alone; a rejection is one only when others are accepted.
      if (verdict.kind === 'rejected') doubt = verdict
      continue
    }
    for (const half of halves(range)) {
      requests += 1
      const sent = await ports.send(half)
      if (sent.kind === 'aborted') return sent
      if (sent.kind === 'delivered') hasDelivered = true
      else if (sent.kind === 'exhausted') refused.push({ range: half, ...sent })
      else {
        open.push({ range: half, verdict: sent.verdict })
        if (sent.verdict.kind === 'rejected') rejections += 1
        if (rejections >= UNPROVEN_REJECTIONS && !isProven()) return misconfigured(sent.verdict)
      }
    }
  }
  return doubt && !isProven() ? misconfigured(doubt, refused) : { kind: 'settled', refused }
}

function misconfigured({ reason }: Refusal, refused: readonly RefusedRange[] = []): Isolated {
  return { kind: 'misconfigured', reason, refused }
}

function halves({ start, end }: Range): readonly Range[] {
  const middle = Math.ceil((start + end) / 2)
  return [
    { start, end: middle },
    { start: middle, end },
  ]
}
