import type { PositionRecord } from '../checkpoint/registry.ts'
import { Fault, readExactly } from './files.ts'
import { FINGERPRINT_BYTES, fingerprint, NO_FINGERPRINT } from './fingerprint.ts'
import type { Generation } from './generation.ts'
import type { Lineage } from './lineage.ts'
import { withFile } from './recognition.ts'

const NEWLINE = 0x0a

/**
 * Gives every destination that has no position in a generation its first one. Only what was there at the very first
 * start can be passed over: the live file by `start_position`, rotated files by `backfill`. Whatever comes later is read
 * from its beginning.
 */
export function startingPosition(generation: Generation, lineage: Lineage): void {
  const { context, files } = lineage.options
  const missing = context.destinations.filter((destination) => !generation.cursors.has(destination))
  if (missing.length === 0) return
  const passOver = isPassedOver(generation, lineage)
  const first = passOver ? endOf(generation, { files, wholeLines: !generation.rotated }) : undefined
  for (const destination of missing) generation.cursor(destination, first)
  if (!passOver || !generation.rotated) return
  generation.final = true
  generation.finished = generation.isSettled
}

function isPassedOver(generation: Generation, lineage: Lineage): boolean {
  const { source, isInitial, startedAtMs } = lineage.options
  const fromEnd = source.startPosition === 'end' || source.startPosition === 'forceEnd'
  const isKnown = generation.cursors.size > 0
  if (!lineage.isVirgin && !isKnown) return false
  if (!generation.rotated) return fromEnd && (isInitial || isKnown)
  return generation.mtimeMs < startedAtMs && (fromEnd || !source.backfill)
}

/** The position behind the last byte, or behind the last newline, with its marker. */
function endOf(
  generation: Generation,
  { files, wholeLines }: { files: Lineage['options']['files']; wholeLines: boolean },
): PositionRecord {
  const none = { offset: generation.size, marker: NO_FINGERPRINT, deadLetteredBytes: 0, skippedBytes: {} }
  if (!generation.place || generation.place.inflatedSize !== undefined) return none
  const found = withFile(files, generation.place.path, (fd) => {
    const offset = wholeLines ? lastLineEnd(generation.size, (span) => readExactly(files, fd, span)) : generation.size
    const length = Math.min(FINGERPRINT_BYTES, offset)
    const bytes = readExactly(files, fd, { position: offset - length, length })
    return { ...none, offset, marker: bytes instanceof Buffer ? fingerprint(bytes) : NO_FINGERPRINT }
  })
  return found instanceof Fault ? none : found
}

/** 0 also when the bytes cannot be read: rather all of it than a part of a line. */
function lastLineEnd(
  size: number,
  read: (span: { position: number; length: number }) => Buffer | Fault | undefined,
): number {
  const step = 64 * 1024
  for (let end = size; end > 0; end -= step) {
    const position = Math.max(0, end - step)
    const bytes = read({ position, length: end - position })
    const newline = bytes instanceof Buffer ? bytes.lastIndexOf(NEWLINE) : -1
    if (newline >= 0) return position + newline + 1
  }
  return 0
}
