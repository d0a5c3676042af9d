import type { Buffer } from 'node:buffer'
import type { Origin } from '../../chunk.ts'
import type { Kernel } from './kernel.ts'

/** Limits of a sealed body. A record longer than `batchMaxBytes` allows has a body of its own. */
export interface BodyLimits {
  readonly batchMaxSize: number
  readonly batchMaxBytes: number
  /** The longest line of any origin. */
  readonly maxLineBytes: number
}

/** How lines become records of a list, and back. */
export interface Format {
  readonly prefix: string
  readonly suffix: string
  /**
   * Where lines are read to. `in-place`: where their records will stand, because these are the unchanged lines. `ahead`: far
   * enough beyond that for the records to grow behind them. `aside`: into a separate room.
   */
  readonly reading: 'in-place' | 'ahead' | 'aside'
  /** Whether only lines that are one JSON object can be records. */
  readonly wantsObjects: boolean
  /** How many bytes one byte of a line may expand to. */
  readonly growth: number
  /** Returns the constant text around each line of the origin. */
  parts(origin: Origin): Parts
  encode(kernel: Kernel): number
  /** As `encode`, for a single line with its newline. */
  encodeOne(kernel: Kernel): number
  /** Returns a copy of the line that a record was made from. `payload` is where the line's bytes begin in the record. */
  lineOf(record: Buffer, payload: number): Uint8Array
}

interface Parts {
  readonly head: Uint8Array
  readonly middle: Uint8Array
  readonly tail: Uint8Array
}
