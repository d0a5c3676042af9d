import { type DeadLetterEntry, encodeEntry } from './dead-letter-entry.ts'

/** Entries that are written together, encoded. */
export interface Portion {
  readonly bytes: Buffer
  readonly entries: number
}

export interface PortionLimits {
  /** What there is room for at all. */
  readonly room: number
  /** What is written at a time; an entry alone may be larger. */
  readonly most: number
}

/** As many of the first entries as the limits allow; undefined where there is no room for one. */
export function encodePortion(entries: readonly DeadLetterEntry[], { room, most }: PortionLimits): Portion | undefined {
  const encoded: Buffer[] = []
  let size = 0
  for (const entry of entries) {
    const next = encodeEntry(entry)
    if (size + next.length > room || (size > 0 && size + next.length > most)) break
    encoded.push(next)
    size += next.length
  }
  return encoded.length === 0 ? undefined : { bytes: Buffer.concat(encoded, size), entries: encoded.length }
}
