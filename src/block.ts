/**
 * The words tail and ship share. Neither imports the other; `agent.ts` joins them through these shapes.
 */

/** A half-open byte range `[start, end)` of one generation of a file. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Record metadata a source puts on every line it yields. */
export interface SourceLabels {
  readonly service: string | undefined
  readonly source: string | undefined
  /** `key:value`, already merged: global, per source, `sourcecategory`. */
  readonly tags: readonly string[]
}

/**
 * Where bytes came from: one generation (the content of one file between its creation and its end, across renames).
 * `id` survives restarts and renames and holds no part of the content.
 */
export interface Origin {
  readonly id: string
  /** The live path the operator knows the file by, also for a rotated generation. */
  readonly path: string
  readonly labels: SourceLabels
  /** Longer lines (newline excluded) are truncated as kube-apiserver truncates, or dead-lettered. */
  readonly maxLineBytes: number
}

/**
 * Bytes a cursor has just read to the front of the room it was given. They end anywhere: whole lines are cut out by
 * whoever offered the room, which then takes what it used. A chunk is valid until the next read on its cursor.
 */
export interface Chunk {
  readonly origin: Origin
  /** How many bytes of the room hold content. */
  readonly length: number
  /** When the bytes were read, ms since the epoch: the fallback time of a line without its own. */
  readonly readAtMs: number
  /**
   * Moves the cursor behind the first `bytes` bytes of the room (whole lines, or a run of NUL bytes) and opens them in
   * the ledger. May be called again for what follows: offsets then count from the new front. `skipped` says which of these bytes the taker left out, by reason, for the account of I4.
   */
  take(bytes: number, skipped?: Skipped): Part
  /** The position in the file of byte `offset` of the room. */
  positionOf(offset: number): number
}

/** Bytes left out of delivery, by counted reason. */
export type SkipReason = 'empty-line' | 'nul-run' | 'rule'
export type Skipped = Readonly<Partial<Record<SkipReason, number>>>

/** What a batch owes the ledger for one chunk it took: settle exactly once, when delivered or durably dead-lettered. */
export interface Part {
  readonly origin: Origin
  readonly span: Span
  settle(outcome: Settlement): void
}

/** How the bytes of a part ended, for the account of I4. The two add up to the part less what was skipped. */
export interface Settlement {
  readonly deliveredRecords: number
  readonly deadLetteredRecords: number
  readonly deadLetteredBytes: number
}
