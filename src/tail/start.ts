import { FINGERPRINT_BYTES, type PositionRecord } from '../checkpoint/registry.ts'
import type { Encoding } from '../config/config.ts'
import { lastLineEnd } from './encoding.ts'
import { Fault, readExactly, withFile } from './files.ts'
import { fingerprint, NO_FINGERPRINT } from './fingerprint.ts'
import type { Generation } from './generation.ts'
import type { FileIdentity } from './identity.ts'
import type { Lineage } from './lineage.ts'

/**
 * Gives every destination that has no position in a generation its first one. Only what was there at the very first
 * start can be passed over: the live file by `start_position`, rotated files by `backfill`. Whatever comes later is read
 * from its beginning. A destination that is new in the configuration starts the same way; what others are done with is
 * history for it.
 */
export function startingPosition(generation: Generation, lineage: Lineage): void {
  const { context } = lineage.options
  const missing = context.destinations.filter((destination) => !generation.cursors.has(destination))
  if (missing.length === 0) return
  const isFirst = generation.cursors.size > 0 || (lineage.isVirgin && isUnseen(generation, lineage))
  const passOver = generation.finished || isPassedOver(generation, lineage, isFirst)
  const first = passOver ? endOf(generation, lineage) : undefined
  for (const destination of missing) generation.cursors.add(destination, first).offerAgain(generation.mtimeMs)
  if (passOver && generation.rotated) generation.finished = generation.isSettled
}

function isUnseen({ rotated }: Generation, { unseen, options }: Lineage): boolean {
  return rotated ? unseen.siblings : unseen.live && options.isInitial
}

/** Whether a file that is looked at for the very first time is left out: `isFirst`. */
export function isPassedOver(
  { rotated, mtimeMs, identity }: Pick<Generation, 'rotated' | 'mtimeMs' | 'identity'>,
  { options: { source, startedAtMs } }: Lineage,
  isFirst: boolean,
): boolean {
  const fromEnd = source.startPosition === 'end' || source.startPosition === 'forceEnd'
  if (!isFirst) return false
  // A live file that was born later appeared while nobody looked.
  if (!rotated) return fromEnd && bornAtMs(identity) <= startedAtMs
  return mtimeMs <= startedAtMs && (fromEnd || !source.backfill)
}

/** 0 where the file system does not say. */
function bornAtMs({ birth }: FileIdentity): number {
  return Number(BigInt(birth) / 1_000_000n)
}

/** The reason under which bytes are counted that were there at the start and are not to be read. */
const PASSED_OVER = 'start-position'

/** Of a live file the position behind its last newline, of another one behind its last byte. */
function endOf(generation: Generation, { options: { files, source } }: Lineage): PositionRecord {
  const { place, size, rotated } = generation
  const none = { offset: size, marker: NO_FINGERPRINT, deadLetteredBytes: 0, skippedBytes: { [PASSED_OVER]: size } }
  if (!place || generation.isArchive) return none
  const found = withFile(files, place.path, (fd) => {
    const offset = rotated ? size : endOfLines(size, source.encoding, (span) => readExactly(files, fd, span))
    const length = Math.min(FINGERPRINT_BYTES, offset)
    const bytes = readExactly(files, fd, { position: offset - length, length })
    const marker = bytes && !(bytes instanceof Fault) ? fingerprint(bytes) : NO_FINGERPRINT
    return { ...none, offset, marker, skippedBytes: { [PASSED_OVER]: offset } }
  })
  return found instanceof Fault ? none : found
}

type ReadSpan = (span: { position: number; length: number }) => Buffer | undefined | Fault

const STEP = 64 * 1024

/** 0 also when the bytes cannot be read: rather all lines than half of one. */
function endOfLines(size: number, encoding: Encoding, read: ReadSpan): number {
  for (let position = size - (size % STEP || STEP); position >= 0; position -= STEP) {
    const bytes = read({ position, length: Math.min(STEP, size - position) })
    const end = bytes && !(bytes instanceof Fault) ? lastLineEnd(bytes, position, encoding) : 0
    if (end > 0) return position + end
  }
  return 0
}
