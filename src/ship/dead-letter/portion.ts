import { type DeadLetterEntry, encodeEntry } from './entry.ts'

/** Encoded entries to be written together. */
export interface Portion {
  readonly bytes: Buffer
  readonly entries: number
}

export interface PortionLimits {
  /** Room left in the dead letter. */
  readonly roomBytes: number
  /** Limit of one write; a single entry may be larger. */
  readonly maxBytes: number
}

/** Encodes as many of the first entries as the limits allow; undefined if there is no room for one. */
export function encodePortion(
  entries: readonly DeadLetterEntry[],
  { roomBytes, maxBytes }: PortionLimits,
): Portion | undefined {
  const encoded: Buffer[] = []
  let size = 0
  for (const entry of entries) {
    const next = encodeEntry(entry)
    if (size + next.length > roomBytes || (size > 0 && size + next.length > maxBytes)) break
    encoded.push(next)
    size += next.length
  }
  return encoded.length === 0 ? undefined : { bytes: Buffer.concat(encoded, size), entries: encoded.length }
}
