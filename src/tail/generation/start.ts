import { FINGERPRINT_BYTES, type PositionRecord } from '../../checkpoint/registry.ts'
import type { Encoding } from '../../config/config.ts'
import { lastLineEnd } from '../file/encoding.ts'
import { Fault, readExactly, withFile } from '../file/files.ts'
import { fingerprint, NO_FINGERPRINT } from '../file/fingerprint.ts'
import type { FileIdentity } from '../file/identity.ts'
import type { Generation } from './generation.ts'
import type { LineageOptions } from './lineage-options.ts'

type StartOptions = Pick<LineageOptions, 'source' | 'files' | 'context' | 'startedAtMs' | 'isInitial' | 'isKnownSource'>

/**
 * Where reading begins. Only what existed at the very first start can be passed over: the live file by `start_position`,
 * rotated files by `backfill`. Everything newer is read from its beginning.
 */
export class Start {
  /** Whether the live path, and its siblings, have yet to be looked at. */
  readonly unseen = { live: true, siblings: true }
  readonly #options: StartOptions
  readonly #isVirgin: boolean

  /** `isVirgin`: nothing was recorded, so that what the first look finds is subject to `start_position` and `backfill`. */
  constructor(options: StartOptions, isVirgin: boolean) {
    this.#options = options
    this.#isVirgin = isVirgin
  }

  /** Whether files beside the live path have never been looked at, not even by an earlier run. */
  get isFirstScan(): boolean {
    return this.#isVirgin && this.unseen.siblings && !this.#isClockSetBack
  }

  /**
   * Gives every destination that has no position in a generation its first one. A destination that is new in the
   * configuration starts as at a first start; what the others have finished is history for it.
   */
  giveFirstPositions(generation: Generation): void {
    const { context } = this.#options
    const missing = context.destinations.filter((destination) => !generation.cursors.has(destination))
    if (missing.length === 0) return
    const isFirst = generation.cursors.size > 0 || (this.#isVirgin && this.#isUnseen(generation))
    const passOver = generation.finished || this.isPassedOver(generation, isFirst)
    const first = passOver ? endOf(generation, this.#options) : undefined
    for (const destination of missing) generation.cursors.add(destination, first).offerAgain(generation.mtimeMs)
    if (passOver && generation.rotated) generation.finished = generation.isSettled
  }

  /** Whether a file is passed over: only one seen by the very first look (`isFirst`) can be. */
  isPassedOver(
    { rotated, mtimeMs, identity }: Pick<Generation, 'rotated' | 'mtimeMs' | 'identity'>,
    isFirst: boolean,
  ): boolean {
    const { source, startedAtMs } = this.#options
    const fromEnd = source.startPosition === 'end' || source.startPosition === 'forceEnd'
    if (!isFirst) return false
    // A live file born later is new, although it appeared before the first look.
    if (!rotated) return fromEnd && bornAtMs(identity) <= startedAtMs
    return mtimeMs <= startedAtMs && (fromEnd || !source.backfill)
  }

  /**
   * Whether the first start lies in the future, so that times tell nothing: what is found now but was not recorded then is
   * newer, whatever its modification time says.
   */
  get #isClockSetBack(): boolean {
    const { isInitial, isKnownSource, startedAtMs } = this.#options
    return (isKnownSource || !isInitial) && Date.now() < startedAtMs
  }

  #isUnseen({ rotated, identity }: Generation): boolean {
    const { isInitial, isKnownSource } = this.#options
    if (rotated) return this.isFirstScan
    // For a file without a birth time only the registry tells whether it existed at the very first start.
    const isLater = isKnownSource && bornAtMs(identity) === 0
    return this.unseen.live && isInitial && !isLater && !this.#isClockSetBack
  }
}

/** 0 where the file system does not record it. */
function bornAtMs({ birth }: FileIdentity): number {
  return Number(BigInt(birth) / 1_000_000n)
}

/** The reason for skipping bytes that existed at the start and are not to be read. */
const PASSED_OVER = 'start-position'

/** Returns the position after the last newline of a live file, and after the last byte of any other. */
function endOf(generation: Generation, { files, source }: StartOptions): PositionRecord {
  const { place, size, rotated } = generation
  // Another destination's evidence for the end also holds for this one.
  const marker = generation.cursors.evidence().find(({ offset }) => offset === size)?.marker ?? NO_FINGERPRINT
  const end = { offset: size, marker, deadLetteredBytes: 0, skippedBytes: { [PASSED_OVER]: size } }
  if (!place || generation.isArchive) return end
  const found = withFile(files, place.path, (fd) => {
    const offset = rotated ? size : endOfLines(size, source.encoding, (span) => readExactly(files, fd, span))
    const length = Math.min(FINGERPRINT_BYTES, offset)
    const bytes = readExactly(files, fd, { position: offset - length, length })
    const marker = bytes && !(bytes instanceof Fault) ? fingerprint(bytes) : NO_FINGERPRINT
    return { ...end, offset, marker, skippedBytes: { [PASSED_OVER]: offset } }
  })
  return found instanceof Fault ? end : found
}

type ReadSpan = (span: { position: number; length: number }) => Buffer | undefined | Fault

const STEP = 64 * 1024

/** Returns the position after the last newline that can be read, else 0: better to read all lines than to start within one. */
function endOfLines(size: number, encoding: Encoding, read: ReadSpan): number {
  for (let position = size - (size % STEP || STEP); position >= 0; position -= STEP) {
    const bytes = read({ position, length: Math.min(STEP, size - position) })
    const end = bytes && !(bytes instanceof Fault) ? lastLineEnd(bytes, position, encoding) : 0
    if (end > 0) return position + end
  }
  return 0
}
