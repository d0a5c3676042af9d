import { basename, dirname } from 'node:path'
import type { GenerationRecord, PositionRecord } from '../../checkpoint/registry.ts'
import type { Log } from '../../log.ts'
import { Fault, type Files, isAbsent } from '../file/files.ts'
import { reportLoss, takeBackLoss } from '../generation/losses.ts'
import type { DirectoryListings } from '../names/directory-listings.ts'

export interface MissingOptions {
  readonly destinations: readonly string[]
  readonly files: Files
  readonly listings: DirectoryListings
  readonly log: Log
}

/**
 * Unread files that disappeared while the agent was down and that only a pattern matches: no path leads to them any more, so no
 * lineage would report them.
 */
export interface Missing {
  /** A look was complete; `records`: those no path has taken; `isMeant`: whether a pattern matches a path. */
  look(records: Iterable<GenerationRecord>, isMeant: (path: string) => boolean): void
  /** A path has taken these. */
  found(records: readonly GenerationRecord[]): void
  /** Those that were reported as gone and not found since. */
  gone(): Iterable<GoneFile>
}

export interface GoneFile {
  /** The live path it belonged to, and the name it was last seen under. */
  readonly path: string
  readonly lastPath: string
  readonly size: number
  /** Never read, for the destination furthest behind. */
  readonly unreadBytes: number
  /** Of the destinations that had begun it. */
  readonly positions: readonly (readonly [destination: string, PositionRecord])[]
}

/** Unobservable is not deleted: two looks have to agree. */
const LOOKS = 2

export function createMissing({ destinations, files, listings, log }: MissingOptions): Missing {
  const reported = new Map<string, GoneFile>()
  let looks = 0

  function isGone({ path, lastPath }: GenerationRecord): boolean {
    const listing = listings.list(dirname(path))
    if (listing instanceof Fault) return isAbsent(listing)
    return listing.rotatedOf(basename(path)).length === 0 && [path, lastPath].every(isMissing)
  }

  function isMissing(path: string): boolean {
    const facts = files.stat(path)
    return facts instanceof Fault && isAbsent(facts)
  }

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

  return {
    look(records, isMeant) {
      looks += 1
      if (looks !== LOOKS) return
      for (const record of records) {
        const bytes = unreadBytes(record)
        if (bytes === 0 || !isMeant(record.path) || !isGone(record)) continue
        const { path, lastPath, size } = record
        reported.set(record.id, { path, lastPath, size, unreadBytes: bytes, positions: positionsOf(record) })
        reportLoss(log, record, bytes)
      }
    },
    found(records) {
      for (const record of records) {
        if (reported.delete(record.id)) takeBackLoss(log, record, { bytes: unreadBytes(record), file: record.lastPath })
      }
    },
    gone: () => reported.values(),
  }
}
