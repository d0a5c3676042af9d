import { FINGERPRINT_BYTES } from '../../checkpoint/registry.ts'
import { faultOfInflating, inflate } from '../file/content.ts'
import { Fault, type Files, readExactly, TooEarly } from '../file/files.ts'
import type { Place } from '../file/place.ts'
import type { Generation } from '../generation/generation.ts'
import { type Candidate, COMPARED_BYTES } from './candidate.ts'

/** An open gzip archive. */
export interface Archive extends Place {
  readonly fd: number
}

export const MOVED = new TooEarly('a position has moved meanwhile')

/** Returns the first inflated bytes, up to a fingerprint's length. */
export async function headOf(files: Files, fd: number): Promise<Buffer | Fault> {
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of inflate(files, fd)) {
      pieces.push(piece)
      size += piece.length
      if (size >= FINGERPRINT_BYTES) break
    }
  } catch (error) {
    return faultOfInflating(error)
  }
  return Buffer.concat(pieces).subarray(0, FINGERPRINT_BYTES)
}

/**
 * Returns the inflated size that the last member states, modulo 2^32 (RFC 1952, ISIZE): correct for an archive of one
 * member.
 */
export function sizeOf(files: Files, { fd, facts }: Archive): number | Fault {
  const trailer = readExactly(files, fd, { position: Math.max(0, facts.size - 4), length: 4 })
  return trailer instanceof Fault ? trailer : (trailer?.readUInt32LE() ?? 0)
}

/** Inflates the whole archive once, piece by piece, and keeps what recognition will need. */
export async function inspect(
  files: Files,
  { fd, facts }: Archive,
  { head, suspects }: { head: Buffer; suspects: readonly Generation[] },
): Promise<Candidate | Fault> {
  const known = new Map(suspects.map((suspect) => [suspect, suspect.cursors.evidence()]))
  const spans = [...known.values()].flat().map(({ offset, marker }) => capture(offset - marker.length, marker.length))
  const differing = new Set<Generation>()
  let end: Buffer = Buffer.alloc(0)
  let size = 0
  try {
    for await (const piece of inflate(files, fd)) {
      for (const span of spans) span.pass(piece, size)
      for (const suspect of suspects) {
        if (suspect.place && !differing.has(suspect) && !isPart(suspect, piece, size)) differing.add(suspect)
      }
      end = Buffer.concat([end, piece.subarray(-COMPARED_BYTES)]).subarray(-COMPARED_BYTES)
      size += piece.length
    }
  } catch (error) {
    return faultOfInflating(error)
  }
  return {
    facts,
    isArchive: true,
    size,
    known,
    bytes(position, length) {
      if (position === 0 && length <= head.length) return head.subarray(0, length)
      if (position + length === size && length <= end.length) return end.subarray(end.length - length)
      const span = spans.find((other) => other.position === position && other.length === length)
      return span ? span.bytes() : MOVED
    },
    agrees: (generation) => suspects.includes(generation) && !differing.has(generation),
  }
}

/** Whether the generation's file holds this piece at this position, as far as the file goes. */
function isPart(generation: Generation, piece: Buffer, position: number): boolean {
  const length = Math.min(piece.length, generation.size - position)
  if (length <= 0) return true
  const own = generation.bytes(position, length)
  return own !== undefined && !(own instanceof Fault) && own.equals(piece.subarray(0, length))
}

/** Captures the bytes `[position, position + length)` of the pieces passed. */
function capture(position: number, length: number) {
  const bytes = Buffer.alloc(length)
  let filled = 0
  return {
    position,
    length,
    pass(piece: Buffer, at: number) {
      const from = Math.max(position, at)
      const to = Math.min(position + length, at + piece.length)
      if (from < to) filled += piece.copy(bytes, from - position, from - at, to - at)
    },
    bytes: () => (filled === length ? bytes : undefined),
  }
}
