import type { Buffer } from 'node:buffer'
import type { Origin } from '../../chunk.ts'
import type { Kernel } from './kernel.ts'

/** What a body may hold; the limits apply to the sealed body. A record longer than `batchMaxBytes` allows goes alone. */
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
   * Where lines are read to: where their records will stand, if these are the unchanged lines; ahead of that, far enough for
   * the records to grow behind them; or into a separate room.
   */
  readonly reading: 'in-place' | 'ahead' | 'aside'
  /** Only lines that are one JSON object can be records. */
  readonly wantsObjects: boolean
  /** How many bytes one byte of a line may expand to. */
  readonly growth: number
  /** Constant text around a line of the origin. */
  parts(origin: Origin): Parts
  encode(kernel: Kernel): number
  /** As `encode`, for a single line with its newline. */
  encodeOne(kernel: Kernel): number
  /** A copy of the line a record was made from; `payload` is where its bytes begin. */
  lineOf(record: Buffer, payload: number): Uint8Array
}

interface Parts {
  readonly head: Uint8Array
  readonly middle: Uint8Array
  readonly tail: Uint8Array
}
