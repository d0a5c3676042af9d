import { Fault, type Files } from './files.ts'
import { liveNameOf } from './rotated-name.ts'

/** The names in a directory, grouped by the live name they are rotated generations of. */
export interface DirectoryListing {
  readonly names: ReadonlySet<string>
  rotatedOf(live: string): readonly string[]
}

/**
 * Listings shared by all lineages during one pass, so that a directory of a thousand files is read once and not a
 * thousand times. `begin` starts a new pass.
 */
export interface DirectoryListings {
  begin(): void
  list(directory: string): DirectoryListing | Fault
}

export function createDirectoryListings(files: Files): DirectoryListings {
  const listings = new Map<string, DirectoryListing | Fault>()
  return {
    begin: () => listings.clear(),
    list(directory) {
      const known = listings.get(directory)
      if (known) return known
      const names = files.list(directory)
      const listing = names instanceof Fault ? names : group(names)
      listings.set(directory, listing)
      return listing
    },
  }
}

function group(names: readonly string[]): DirectoryListing {
  const byLive = new Map<string, string[]>()
  for (const name of names) {
    const live = liveNameOf(name)
    if (live === undefined) continue
    const group = byLive.get(live)
    if (group) group.push(name)
    else byLive.set(live, [name])
  }
  return { names: new Set(names), rotatedOf: (live) => byLive.get(live) ?? [] }
}
