import { Buffer } from 'node:buffer'
import type { BodyLimits, Format } from './format.ts'
import { entry, KERNEL_BYTES, SLACK_BYTES } from './kernel.ts'

/** Addresses in a body's memory, in order. All of it is virtual until used, so that the worst case costs nothing. */
export interface Layout {
  readonly clock: number
  readonly parts: number
  readonly partsBytes: number
  readonly table: number
  /** The list may be moved down to here. */
  readonly lowest: number
  readonly start: number
  /** Where lines that are read `aside` go. */
  readonly scratch: number
  readonly scratchBytes: number
  readonly memoryBytes: number
}

/** A `Date`'s number has at most 16 digits. */
const CLOCK_BYTES = 32
/** More than the attributes of an origin can take, because config/scalars.ts limits what they are made of. */
export const PARTS_BYTES = 256 * 1024
/** The factor by which repair may lengthen a line: U+FFFD has three bytes, and may replace a single invalid one. */
export const REPAIR_GROWTH = 3

/** Returns the length of the longest line accepted from outside the body's memory. */
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
  const lowest = aligned(table + 4 * entry.words * limits.batchMaxSize)
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
