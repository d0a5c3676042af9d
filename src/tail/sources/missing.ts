import type { GenerationRecord, PositionRecord } from '../../checkpoint/registry.ts'
import type { Log } from '../../log.ts'
import type { Fault, Files } from '../file/files.ts'
import { reportLoss, takeBackLoss } from '../generation/losses.ts'
import type { DirectoryListings } from '../names/directory-listings.ts'
import { Remains } from './remains.ts'
import type { UnclaimedRecords } from './unclaimed-records.ts'

export interface MissingOptions {
  readonly destinations: readonly string[]
  readonly files: Files
  readonly listings: DirectoryListings
  readonly unclaimed: UnclaimedRecords
  readonly log: Log
}

/**
 * Recorded live paths that only a pattern matches and that had no file when the agent started. A file that was rotated,
 * packed or removed while the agent was down, without a new one in its place, is found by no pattern.
 */
export interface Missing {
  /**
   * Looks for remains of some of them, in turns, and returns the paths that have any. `isMeant`: whether a file at a path
   * would be a live file of a pattern; `isLive`: whether a pattern has found a live file there.
   */
  look(isMeant: (path: string) => boolean, isLive: (path: string) => boolean): readonly string[]
  /** These have been taken over: losses reported of them are taken back. */
  found(records: readonly GenerationRecord[]): void
  /** Returns the files that were reported as gone and have not been found since. */
  gone(): Iterable<GoneFile>
}

export interface GoneFile {
  /** The live path it belonged to, and the name it was last seen under. */
  readonly path: string
  readonly lastPath: string
  readonly size: number
  /** Bytes never read, for the destination furthest behind. */
  readonly unreadBytes: number
  /** Positions of the destinations that had begun it. */
  readonly positions: readonly (readonly [destination: string, PositionRecord])[]
}

/** One look that finds nothing does not prove a deletion: two have to agree. */
const LOOKS = 2
/** Each path takes several stats. */
const PATHS_PER_LOOK = 250

export function createMissing({ destinations, files, listings, unclaimed, log }: MissingOptions): Missing {
  const reported = new Map<string, GoneFile>()
  /** Paths still to be looked for, the next first. */
  const sought = new Set(unclaimed.paths())
  /** By path, how many looks in a row found nothing. */
  const misses = new Map<string, number>()

  function positionsOf({ positions }: GenerationRecord): GoneFile['positions'] {
    return destinations.flatMap((name) => (positions[name] ? [[name, positions[name]] as const] : []))
  }

  /** An unfinished file that is new to all destinations would have been read from its beginning. */
  function unreadBytes(record: GenerationRecord): number {
    const { finished, size } = record
    const positions = positionsOf(record)
    if (positions.length === 0) return finished ? 0 : size
    return Math.max(0, ...positions.map(([, { offset }]) => size - offset))
  }

  function seekAgain(path: string, records: readonly GenerationRecord[], refusal: Fault | false): void {
    const looks = refusal ? 0 : (misses.get(path) ?? 0) + 1
    misses.set(path, looks)
    if (looks === LOOKS) for (const record of records) report(record)
    // What is unread is sought indefinitely: its volume may be mounted late.
    if (looks < LOOKS || records.some(({ finished }) => !finished)) sought.add(path)
  }

  function report(record: GenerationRecord): void {
    const bytes = unreadBytes(record)
    if (bytes === 0 || reported.has(record.id)) return
    const { path, lastPath, size } = record
    reported.set(record.id, { path, lastPath, size, unreadBytes: bytes, positions: positionsOf(record) })
    reportLoss(log, record, bytes)
  }

  return {
    look(isMeant, isLive) {
      const left: string[] = []
      const around = new Remains({ files, listings, isLive })
      for (const path of [...sought.values().take(PATHS_PER_LOOK)]) {
        sought.delete(path)
        const records = unclaimed.of(path)
        const isSought = records.length > 0 && isMeant(path)
        const remains = isSought && around.has(path, records)
        if (remains === true) left.push(path)
        else if (isSought) seekAgain(path, records, remains)
      }
      return left
    },
    found(records) {
      for (const record of records) {
        if (reported.delete(record.id)) takeBackLoss(log, record, { bytes: unreadBytes(record), file: record.lastPath })
      }
    },
    gone: () => reported.values(),
  }
}
