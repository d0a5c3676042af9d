import type { Buffer } from 'node:buffer'
import type { Origin } from '../../block.ts'
import type { Kernel } from './kernel.ts'

/** What a body may hold; the limits count the sealed body. A record longer than `batchMaxBytes` allows goes alone. */
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
   * Where lines are read to: where their records will stand, as these are the lines as they are; ahead of there, so far that
   * the records can grow behind them; or into a room of their own.
   */
  readonly reading: 'in-place' | 'ahead' | 'aside'
  /** Only lines that are one JSON object can be records. */
  readonly wantsObjects: boolean
  /** How many bytes one byte of a line may become. */
  readonly growth: number
  /** Constant text around a line of the origin. */
  parts(origin: Origin): Parts
  encode(kernel: Kernel): number
  /** As `encode`, for one line and its newline. */
  encodeOne(kernel: Kernel): number
  /** A copy of the line a record was made of; `payload` is where its bytes begin. */
  lineOf(record: Buffer, payload: number): Uint8Array
}

export interface Parts {
  readonly head: Uint8Array
  readonly middle: Uint8Array
  readonly tail: Uint8Array
}
