import { hash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'
import type { ImportedPosition } from '../../checkpoint/datadog-import.ts'
import { FINGERPRINT_BYTES, type GenerationRecord, type PositionRecord } from '../../checkpoint/registry.ts'
import type { Encoding } from '../../config/config.ts'
import { isCopyOf } from '../file/beside-plain.ts'
import { lastLineEnd } from '../file/encoding.ts'
import { Fault, type FileFacts, type Files, isAbsent, readExactly, withFile } from '../file/files.ts'
import { fingerprint } from '../file/fingerprint.ts'
import { besideLink } from '../names/beside-link.ts'
import type { DirectoryListing, DirectoryListings } from '../names/directory-listings.ts'
import { compareAge, parseRotatedName } from '../names/rotated-name.ts'

export interface ImportContext {
  readonly files: Files
  readonly listings: DirectoryListings
  readonly encoding: Encoding
  readonly destinations: readonly string[]
  readonly nowMs: number
}

export interface ImportedRecords {
  readonly records: readonly GenerationRecord[]
  /** The file that the position is in now. Undefined if it fits none; the live file is then read from its beginning. */
  readonly home: string | undefined
}

/** A file the position may be in. */
export interface HomeCandidate {
  /** ms since the epoch, 0 where unknown. */
  readonly bornAtMs: number
  /** Whether a line ends at the offset; never for an archive. */
  readonly fits: boolean
}

/** A file system's clock lags by up to a tick. */
const TICK_MS = 10

/**
 * Returns the file that a position belongs to, if only the live path and the time `updatedAtMs` are known: the one that was
 * live then. `rotated`: youngest first.
 *
 * That is the live file if it existed then, unless it was copied since (copytruncate): then the oldest such copy. If the
 * live file is newer, it is the youngest that existed then. If the times say nothing, it is the youngest file that fits. In
 * doubt the older of two, or none: duplicate lines rather than lost ones.
 */
export function chooseHome<T extends HomeCandidate>(
  live: T | undefined,
  rotated: readonly T[],
  updatedAtMs: number | undefined,
): T | undefined {
  const fitting = rotated.filter(({ fits }) => fits)
  const youngest = live?.fits ? live : fitting[0]
  if (updatedAtMs === undefined || rotated.some(({ bornAtMs }) => bornAtMs === 0)) return youngest
  if (live && live.bornAtMs <= updatedAtMs - TICK_MS) {
    return fitting.findLast(({ bornAtMs }) => bornAtMs > updatedAtMs) ?? youngest
  }
  const wasThere = fitting.find(({ bornAtMs }) => bornAtMs <= updatedAtMs)
  if (wasThere) return wasThere
  // The file that fits is newer, so it fits by chance; unless no older file, such as an archive, can be the one: then the
  // date is wrong.
  const oldest = rotated.at(-1) ?? live
  return youngest === oldest ? youngest : undefined
}

interface Candidate extends HomeCandidate {
  readonly path: string
  readonly facts: FileFacts
}

/**
 * Returns what this agent's registry would contain if it had read the file up to the position: older generations are
 * finished, younger ones unread; if no file fits, those with something written after the position are unread. A fault if
 * the files cannot be examined now. Archives are not searched for the position.
 */
export function importPosition(
  path: string,
  position: ImportedPosition,
  context: ImportContext,
): ImportedRecords | Fault {
  const { files, listings } = context
  const real = files.realpath(path)
  const livePath = real instanceof Fault ? path : real
  const listing = listings.list(dirname(livePath))
  if (listing instanceof Fault) return isAbsent(listing) ? { records: [], home: undefined } : listing
  const liveName = basename(livePath)
  const rotatedPaths = rotatedOf(path, livePath, { listing, listings }).filter(
    (rotated) => !isArchive(rotated) || rotated === `${livePath}.gz` || !isBesidePlain(rotated, files),
  )
  const found: Candidate[] = []
  for (const candidatePath of [livePath, ...rotatedPaths]) {
    const candidate = examine(candidatePath, position.offset, context)
    if (candidate instanceof Fault && !isAbsent(candidate)) return candidate
    if (candidate instanceof Fault || candidate.facts.kind !== 'file') continue
    if (!found.some(({ facts }) => isSameFile(facts, candidate.facts))) found.push(candidate)
  }
  const live = found.find((candidate) => candidate.path === livePath)
  const age = (candidate: Candidate) => ({
    name: parseRotatedName(basename(candidate.path), liveName),
    mtimeMs: candidate.facts.mtimeMs,
  })
  const youngestFirst = found.filter((candidate) => candidate !== live).sort((a, b) => compareAge(age(b), age(a)))
  const home = chooseHome(live, youngestFirst, position.updatedAtMs)
  const { updatedAtMs = Number.POSITIVE_INFINITY } = position
  // An archive was born when it was packed: its modification time tells whether something came after the position.
  const isUnread = ({ path, facts, bornAtMs }: Candidate) =>
    !home && (isArchive(path) ? facts.mtimeMs : bornAtMs) > updatedAtMs
  const older = youngestFirst.slice(home === undefined || home === live ? 0 : youngestFirst.indexOf(home) + 1)
  const records = older.map((candidate) =>
    record(candidate, path, isUnread(candidate) ? UNREAD : { offset: candidate.facts.size, finished: true }, context),
  )
  if (home) records.push(record(home, path, { offset: position.offset, finished: false }, context))
  else if (live) records.push(record(live, path, UNREAD, context))
  return { records, home: home?.path }
}

const UNREAD = { offset: 0, finished: false }

/** As its lineage will find them. */
function rotatedOf(
  path: string,
  livePath: string,
  { listing, listings }: { readonly listing: DirectoryListing; readonly listings: DirectoryListings },
): readonly string[] {
  const [directory, name] = [dirname(livePath), basename(livePath)]
  const own = listings.list(dirname(path))
  return [
    ...listing.rotatedOf(name).map((rotated) => join(directory, rotated)),
    ...(own instanceof Fault ? [] : besideLink(path, { directory, name }, { own, listing })),
  ]
}

function isSameFile(a: FileFacts, b: FileFacts): boolean {
  return a.dev === b.dev && a.ino === b.ino
}

function isArchive(path: string): boolean {
  return path.endsWith('.gz')
}

function isBesidePlain(path: string, files: Files): boolean {
  const facts = files.stat(path)
  return !(facts instanceof Fault) && isCopyOf(path.slice(0, -3), facts, files)
}

function examine(path: string, offset: number, { files, encoding }: ImportContext): Candidate | Fault {
  return withFile(files, path, (fd, facts): Candidate | Fault => {
    const length = Math.min(offset, 2)
    const bytes = offset > facts.size ? undefined : readExactly(files, fd, { position: offset - length, length })
    if (bytes instanceof Fault) return bytes
    const isLineEnd = bytes !== undefined && lastLineEnd(bytes, offset - length, encoding) === length
    const fits = !isArchive(path) && (offset === 0 || isLineEnd)
    return { path, facts, fits, bornAtMs: Math.floor(Number(facts.birth) / 1e6) }
  })
}

function record(
  { path, facts }: Candidate,
  livePath: string,
  { offset, finished }: { offset: number; finished: boolean },
  { files, destinations, nowMs }: ImportContext,
): GenerationRecord {
  const { dev, ino, birth } = facts
  const bytes = (position: number, length: number): Buffer => {
    const read = withFile(files, path, (fd) => readExactly(files, fd, { position, length }))
    return read instanceof Buffer ? read : Buffer.alloc(0)
  }
  const archived = isArchive(path) ? inflated(facts.size, bytes) : undefined
  const head = archived?.head ?? bytes(0, Math.min(facts.size, FINGERPRINT_BYTES))
  const end = archived && finished ? archived.size : offset
  const tail = archived ? NOTHING : bytes(end - Math.min(end, FINGERPRINT_BYTES), Math.min(end, FINGERPRINT_BYTES))
  const position: PositionRecord = {
    offset: end,
    marker: fingerprint(tail),
    deadLetteredBytes: 0,
    skippedBytes: end > 0 ? { imported: end } : {},
  }
  return {
    id: hash('sha256', `import:${dev}:${ino}:${birth}`, 'hex').slice(0, 16),
    path: livePath,
    lastPath: path,
    dev,
    ino,
    birth,
    prefix: fingerprint(head),
    size: archived?.size ?? facts.size,
    finished,
    seenAt: new Date(nowMs).toISOString(),
    positions: Object.fromEntries(destinations.map((destination) => [destination, position])),
  }
}

const NOTHING = Buffer.alloc(0)
/** More than enough of an archive to inflate the first bytes of its content. */
const ARCHIVE_HEAD_BYTES = 64 * 1024

/** Returns the first inflated bytes of an archive, and its inflated size as its last four bytes state it (RFC 1952, ISIZE). */
function inflated(size: number, bytes: (position: number, length: number) => Buffer): { head: Buffer; size: number } {
  const trailer = bytes(Math.max(0, size - 4), Math.min(size, 4))
  const compressed = bytes(0, Math.min(size, ARCHIVE_HEAD_BYTES))
  try {
    const head = gunzipSync(compressed, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, FINGERPRINT_BYTES)
    return { head, size: trailer.length === 4 ? trailer.readUInt32LE() : 0 }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { head: NOTHING, size: 0 }
    throw error
  }
}
