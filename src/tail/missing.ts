import { basename, dirname } from 'node:path'
import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { Log } from '../log.ts'
import type { DirectoryListings } from './directory-listings.ts'
import { Fault, type Files, isAbsent } from './files.ts'
import { reportLoss, takeBackLoss } from './losses.ts'

export interface MissingOptions {
  readonly destinations: readonly string[]
  readonly files: Files
  readonly listings: DirectoryListings
  readonly log: Log
}

/**
 * Unread files that disappeared while the agent was down and that only a pattern matches: nothing leads to them any more, so
 * no lineage can miss them.
 */
export interface Missing {
  /** A look was complete; `records`: those no path has taken; `isMeant`: whether a pattern matches a path. */
  look(records: Iterable<GenerationRecord>, isMeant: (path: string) => boolean): void
  /** A path has taken these. */
  found(records: readonly GenerationRecord[]): void
}

/** Unobservable is not deleted: two looks have to agree. */
const LOOKS = 2

export function createMissing({ destinations, files, listings, log }: MissingOptions): Missing {
  const reported = new Set<string>()
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

  /** An unfinished file that is new to all destinations would have been read from its beginning. */
  function unreadBytes({ finished, size, positions }: GenerationRecord): number {
    const offsets = destinations.flatMap((name) => positions[name]?.offset ?? [])
    if (offsets.length === 0) return finished ? 0 : size
    return Math.max(0, ...offsets.map((offset) => size - offset))
  }

  return {
    look(records, isMeant) {
      looks += 1
      if (looks !== LOOKS) return
      for (const record of records) {
        const bytes = unreadBytes(record)
        if (bytes === 0 || !isMeant(record.path) || !isGone(record)) continue
        reported.add(record.id)
        reportLoss(log, record, bytes)
      }
    },
    found(records) {
      for (const record of records) {
        if (reported.delete(record.id)) takeBackLoss(log, record, { bytes: unreadBytes(record), file: record.lastPath })
      }
    },
  }
}
