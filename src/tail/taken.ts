import type { Skipped } from '../block.ts'
import { createLedger, type Ledger, type Ticket } from '../checkpoint/ledger.ts'
import type { Fingerprint, PositionRecord } from '../checkpoint/registry.ts'
import { createByteAccount } from './byte-account.ts'

/** What the ledger keeps with a span: how to recognise its end, since when its bytes wait, and how they end. */
export interface Mark {
  readonly length: number
  readonly marker: Fingerprint
  readonly sinceMs: number
  readonly skipped: Skipped
  deadLetteredBytes: number
  truncatedBytes: number
}

/** The bytes that one destination has taken from one generation: up to where they are settled, and how they ended. */
export class Taken {
  readonly #ledger: Ledger<Mark>
  /** Everything before is settled (I1). */
  #record: PositionRecord

  constructor(from: PositionRecord) {
    this.#record = from
    const account = createByteAccount(from)
    this.#ledger = createLedger(from.offset, (mark) => {
      const { marker, length } = mark
      account.pass(length, mark)
      // A position that is recognised by nothing would have the whole file sent again after a restart: the one before has only
      // what was settled since.
      if (marker.length > 0) this.#record = { offset: this.#ledger.watermark, marker, ...account.counts() }
    })
  }

  get isSettled(): boolean {
    return this.#ledger.open === 0
  }

  /** Since when the first bytes wait that are not settled; undefined when all are. */
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
