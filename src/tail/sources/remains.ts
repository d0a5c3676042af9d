import { basename, dirname, join } from 'node:path'
import type { GenerationRecord } from '../../checkpoint/registry.ts'
import { Fault, type Files, isAbsent, leadsNowhere } from '../file/files.ts'
import { isIdentity } from '../file/identity.ts'
import type { DirectoryListings } from '../names/directory-listings.ts'
import { liveNameOf, namesAlike } from '../names/rotated-name.ts'

interface Surroundings {
  readonly files: Files
  readonly listings: DirectoryListings
  /** Whether the file at a path is tailed as a live one. */
  isLive(path: string): boolean
}

/**
 * Whether anything is left, where its lineage would look, of the recorded files of a live path that has no file now. A
 * fault if that cannot be told now.
 */
export function hasRemains(
  path: string,
  records: readonly GenerationRecord[],
  { files, listings, isLive }: Surroundings,
): boolean | Fault {
  let fault: Fault | undefined
  for (const place of new Set([path, ...records.map(({ lastPath }) => lastPath)].flatMap(liveFirst))) {
    const name = basename(place)
    const listing = listings.list(dirname(place))
    if (listing instanceof Fault) {
      if (!isAbsent(listing)) fault = listing
      continue
    }
    if (listing.rotatedOf(name).length > 0) return true
    for (const other of [name, ...namesAlike(name, listing.names)]) {
      const found = join(dirname(place), other)
      const facts = files.stat(found)
      if (facts instanceof Fault) fault = leadsNowhere(facts) ? fault : facts
      else if (!isLive(found) && records.some((record) => isIdentity(record, facts))) return true
    }
  }
  return fault ?? false
}

function liveFirst(path: string): readonly string[] {
  const live = liveNameOf(path)
  return live === undefined ? [path] : [join(dirname(path), live), path]
}
