import { Buffer } from 'node:buffer'
import type { BodyLimits, Format } from './format.ts'
import { KERNEL_BYTES, SLACK_BYTES } from './kernel.ts'

/** Addresses in a body's memory, in their order. All of it is virtual until used, so that the worst case costs nothing. */
export interface Layout {
  readonly clock: number
  readonly parts: number
  readonly partsBytes: number
  /** Of records: two words each. */
  readonly table: number
  /** The body may be moved down to here. */
  readonly lowest: number
  readonly start: number
  /** Where lines are read to that are read aside. */
  readonly scratch: number
  readonly scratchBytes: number
  readonly memoryBytes: number
}

/** The number a `Date` may hold has 16 digits at most. */
const CLOCK_BYTES = 32
/** Far more than the tags of an origin take. */
const PARTS_BYTES = 256 * 1024
/** By so much a record may be longer than what was read: U+FFFD has three bytes, and may replace one that is no UTF-8. */
export const REPAIR_GROWTH = 3

/** A line from elsewhere may be as long as this. */
export function longestLine({ maxLineBytes }: BodyLimits): number {
  return REPAIR_GROWTH * maxLineBytes
}

export function layOut(limits: BodyLimits, format: Format): Layout {
  const framing = Buffer.byteLength(format.prefix + format.suffix)
  const oneRecord = longestLine(limits) * format.growth + PARTS_BYTES + SLACK_BYTES
  const roomBytes = Math.max(limits.batchMaxBytes, limits.maxLineBytes + 2)
  const clock = KERNEL_BYTES
  const parts = clock + CLOCK_BYTES
  const table = aligned(parts + PARTS_BYTES + SLACK_BYTES)
  const lowest = aligned(table + 8 * limits.batchMaxSize)
  const listBytes = framing + roomBytes + oneRecord
  const aside = format.reading === 'aside'
  const start = aligned(aside ? lowest : lowest + listBytes)
  const scratch = aligned(start + listBytes + (aside ? 0 : roomBytes))
  const scratchBytes = aside ? limits.maxLineBytes + 2 : 0
  const memoryBytes = scratch + scratchBytes + longestLine(limits) + SLACK_BYTES
  return { clock, parts, partsBytes: PARTS_BYTES, table, lowest, start, scratch, scratchBytes, memoryBytes }
}

function aligned(address: number): number {
  return Math.ceil(address / 64) * 64
}
