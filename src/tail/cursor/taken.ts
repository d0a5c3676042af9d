import { createLedger, type Ledger, type Ticket } from '../../checkpoint/ledger.ts'
import type { Fingerprint, PositionRecord } from '../../checkpoint/registry.ts'
import type { Skipped } from '../../chunk.ts'
import { createByteAccount } from './byte-account.ts'

/** What the ledger keeps with a span: how to recognise its end, since when its bytes have waited, and their outcome. */
export interface Mark {
  readonly length: number
  readonly marker: Fingerprint
  readonly sinceMs: number
  readonly skipped: Skipped
  deadLetteredBytes: number
  truncatedBytes: number
}

/** The bytes that one destination has taken from one generation: how far they are settled, and their outcome. */
export class Taken {
  readonly #ledger: Ledger<Mark>
  /** Everything before its offset is settled (I1). */
  #record: PositionRecord

  constructor(from: PositionRecord) {
    this.#record = from
    const account = createByteAccount(from)
    this.#ledger = createLedger<Mark>(from.offset, {
      join,
      pass: (mark) => {
        const { marker, length } = mark
        account.pass(length, mark)
        // A position without a marker would cause the whole file to be sent again after a restart; the previous one, only
        // what was settled since.
        if (marker.length > 0) this.#record = { offset: this.#ledger.watermark, marker, ...account.counts() }
      },
    })
  }

  get isSettled(): boolean {
    return this.#ledger.entries === 0
  }

  /** Since when the first unsettled bytes have waited; undefined if all are settled. */
  get sinceMs(): number | undefined {
    return this.#ledger.oldest?.sinceMs
  }

  take(end: number, mark: Mark): Ticket {
    return this.#ledger.take(end, mark)
  }

  /** What is settled, and how to recognise its end. */
  get record(): PositionRecord {
    return this.#record
  }
}

/**
 * Adds two marks, each counted on its own, up to its length. Returns undefined if only the end of the earlier one can be
 * recognised: they stay separate, so that a record can end there.
 */
function join(earlier: Mark, later: Mark): Mark | undefined {
  if (later.marker.length === 0 && earlier.marker.length > 0) return undefined
  const account = createByteAccount({ deadLetteredBytes: 0, skippedBytes: {} })
  account.pass(earlier.length, earlier)
  account.pass(later.length, later)
  const { deadLetteredBytes, skippedBytes } = account.counts()
  const length = earlier.length + later.length
  return { ...later, length, sinceMs: earlier.sinceMs, skipped: skippedBytes, deadLetteredBytes, truncatedBytes: 0 }
}
