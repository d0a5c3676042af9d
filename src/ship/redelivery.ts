import { hash } from 'node:crypto'
import type { Origin, Part } from '../block.ts'
import type { Batch, Range } from './batch.ts'
import type { DeadLetterEntry } from './dead-letter-entry.ts'
import { type DeliveryContext, type Sent, sendRange } from './delivery.ts'
import { isolate } from './isolation.ts'
import { NO_OBJECT, obstacleTo } from './obstacle.ts'

export interface RedeliveryOptions {
  /** Its `delivery.maxAttempts` says after how many the destination counts as unreachable. */
  readonly context: DeliveryContext
  /** What the record of an entry is made with, besides its line. */
  originOf(entry: DeadLetterEntry): Origin
}

/** What came of sending entries again, by index; those in neither were not tried. */
export interface Redelivered {
  readonly delivered: ReadonlySet<number>
  /** With the reason why they stay. */
  readonly kept: ReadonlyMap<number, string>
  /** Why the destination never answered with a decision, if so. */
  readonly unreachable: string | undefined
}

export type Redelivery = (entries: readonly DeadLetterEntry[], signal: AbortSignal) => Promise<Redelivered>

interface Numbered {
  readonly index: number
  readonly entry: DeadLetterEntry
}

/** Sends dead letters as a lane sends lines: in bodies of the destination, with its throttle and its retries. */
export function createRedelivery({ context, originOf }: RedeliveryOptions): Redelivery {
  const body = context.destination.newBody()

  return async (entries, signal) => {
    const delivered = new Set<number>()
    const kept = new Map<number, string>()
    let unreachable: string | undefined
    /** In the order of the records of the body. */
    let filled: Numbered[] = []

    function append(numbered: Numbered): 'done' | 'full' {
      const { index, entry } = numbered
      const origin = originOf(entry)
      const obstacle = obstacleTo(entry, origin)
      if (obstacle !== undefined) {
        kept.set(index, obstacle)
        return 'done'
      }
      const result = body.appendLine(entry.line, { origin, readAtMs: Date.parse(entry.at) })
      if (result === 'full') return 'full'
      if (result === 'taken') filled.push(numbered)
      else kept.set(index, NO_OBJECT)
      return 'done'
    }

    async function flush(): Promise<void> {
      if (filled.length > 0 && unreachable === undefined && !signal.aborted) await deliver()
      filled = []
      body.reset()
    }

    async function deliver(): Promise<void> {
      const batch = seal()
      const whole = { start: 0, end: batch.records }
      const isolated = await isolate([whole], {
        send: (range) => send(batch, range),
        // Refused records stay where they are, so that nothing has to be proven: each of them is looked for.
        now: () => 0,
        isAcceptedSince: () => true,
        ask: async () => 'accepted',
      })
      if (isolated.kind !== 'settled') return
      for (const { range, reason } of isolated.refused) {
        for (const { index } of filled.slice(range.start, range.end)) kept.set(index, reason)
      }
    }

    async function send(batch: Batch, range: Range): Promise<Sent> {
      const sent = await sendRange(batch, range, context, signal)
      if (sent.kind === 'delivered') {
        for (const { index } of filled.slice(range.start, range.end)) delivered.add(index)
      }
      if (sent.kind !== 'exhausted') return sent
      unreachable = sent.reason
      return { kind: 'aborted' }
    }

    function seal(): Batch {
      const { records, bytes } = body
      body.seal()
      const parts = filled.map(({ entry }, record) => ({
        part: partOf(entry),
        from: record,
        to: record + 1,
        readAtMs: Date.parse(entry.at),
      }))
      return { body, records, bytes, parts, deadLetters: [] }
    }

    for (const [index, entry] of entries.entries()) {
      if (append({ index, entry }) === 'done') continue
      await flush()
      append({ index, entry })
    }
    await flush()
    return { delivered, kept, unreachable }
  }

  /**
   * Its id says which record of the span it is, and its line. Not where the entry lies: a replay that ends early takes out
   * what was delivered, and another of the same line would come to lie there, with an id the receiver knows.
   */
  function partOf(entry: DeadLetterEntry): Part {
    const { generation, start, end, record = '', line } = entry
    const origin = { ...originOf(entry), id: `${generation}:${record}:${hash('sha256', line, 'hex')}` }
    return { origin, span: { start, end }, settle() {} }
  }
}
