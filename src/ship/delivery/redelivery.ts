import { hash } from 'node:crypto'
import type { Origin, Part } from '../../chunk.ts'
import type { DeadLetterEntry } from '../dead-letter/entry.ts'
import type { Batch, Range } from '../filling/batch.ts'
import { type DeliveryContext, type Sent, sendRange } from './delivery.ts'
import { isolate } from './isolation.ts'
import { appendEntry } from './unsendable.ts'

export interface RedeliveryOptions {
  /** Its `delivery.maxAttempts` is the number of attempts after which the destination counts as unreachable. */
  readonly context: DeliveryContext
  /** Returns what an entry's record is built from, besides its line. */
  originOf(entry: DeadLetterEntry): Origin
}

/** The outcome of resending entries, by index; those in neither collection were not tried. */
interface Redelivered {
  readonly delivered: ReadonlySet<number>
  /** Entries that stay, with the reason. */
  readonly kept: ReadonlyMap<number, string>
  /** Why the destination gave no decision; undefined if it did. */
  readonly unreachable: string | undefined
}

export type Redelivery = (entries: readonly DeadLetterEntry[], signal: AbortSignal) => Promise<Redelivered>

interface Numbered {
  readonly index: number
  readonly entry: DeadLetterEntry
}

/** Sends dead letters as a lane sends lines: in the destination's bodies, with its throttle and retries. */
export function createRedelivery({ context, originOf }: RedeliveryOptions): Redelivery {
  const body = context.destination.newBody()

  return async (entries, signal) => {
    const delivered = new Set<number>()
    const kept = new Map<number, string>()
    let unreachable: string | undefined
    /** In the order of the body's records. */
    let filled: Numbered[] = []

    function append(numbered: Numbered): 'done' | 'full' {
      const { index, entry } = numbered
      const result = appendEntry(body, entry, originOf(entry))
      if (result === 'full') return 'full'
      if (result === 'taken') filled.push(numbered)
      else kept.set(index, result.unsendable)
      return 'done'
    }

    async function flush(): Promise<void> {
      if (filled.length > 0 && unreachable === undefined) await deliver()
      filled = []
      body.reset()
    }

    async function deliver(): Promise<void> {
      const batch = seal()
      const whole = { start: 0, end: batch.records }
      const isolated = await isolate([whole], {
        send: (range) => send(batch, range),
        // Refused records stay in the dead letter, so nothing has to be proven: each one is isolated.
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
   * The id covers the line and the record's number within the span, but not the entry's position: a replay that ends early
   * removes what was delivered, so that another entry for the same line could move there and get an id that the receiver
   * already knows.
   */
  function partOf(entry: DeadLetterEntry): Part {
    const { generation, start, end, record = '', line } = entry
    const origin = { ...originOf(entry), id: `${generation}:${record}:${hash('sha256', line, 'hex')}` }
    return { origin, span: { start, end }, settle() {} }
  }
}
