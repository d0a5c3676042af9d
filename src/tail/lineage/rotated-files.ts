import { basename, dirname, join } from 'node:path'
import { isCopyOf } from '../file/beside-plain.ts'
import { Fault, isAbsent, leadsNowhere } from '../file/files.ts'
import type { Place } from '../file/place.ts'
import { besideLink } from '../names/beside-link.ts'
import type { DirectoryListing } from '../names/directory-listings.ts'
import { compareAge, parseRotatedName } from '../names/rotated-name.ts'
import { refuse, type Scan } from './scan.ts'

/** Returns the rotated files of a live path, oldest first; `listing`: the directory of the live file. */
export function rotatedFiles(scan: Scan, listing: DirectoryListing | Fault): Place[] {
  const { name } = scan.livePath.base
  const places = look(scan, besideFile(scan, listing))
  const files = new Set(places.map(fileOf))
  // Beside the link there may be links to the same files.
  const others = look(scan, besideItsLink(scan, listing)).filter((place) => !files.has(fileOf(place)))
  return [...places, ...others]
    .map((place) => ({ place, name: parseRotatedName(basename(place.path), name), mtimeMs: place.facts.mtimeMs }))
    .sort(compareAge)
    .map(({ place }) => place)
}

function look(scan: Scan, paths: readonly string[]): readonly Place[] {
  const { files } = scan.generations.options
  const places: Place[] = []
  for (const path of paths) {
    const facts = files.stat(path)
    if (facts instanceof Fault) {
      if (!leadsNowhere(facts)) refuse(scan, facts)
    } else if (facts.kind === 'file') places.push({ path, facts })
  }
  return places
}

function fileOf({ facts: { dev, ino } }: Place): string {
  return `${dev}:${ino}`
}

function besideFile({ livePath: { base } }: Scan, listing: DirectoryListing | Fault): readonly string[] {
  return listing instanceof Fault ? [] : listing.rotatedOf(base.name).map((name) => join(base.directory, name))
}

function besideItsLink(scan: Scan, listing: DirectoryListing | Fault): readonly string[] {
  const { generations, livePath } = scan
  const { path, listings } = generations.options
  const own = listings.list(dirname(path))
  if (!(own instanceof Fault)) return besideLink(path, livePath.base, { own, listing })
  const isMissed = own !== listing && generations.all().some(({ lastPath }) => dirname(lastPath) === dirname(path))
  if (isMissed && !isAbsent(own)) refuse(scan, own, 'directory')
  return []
}

/**
 * Whether a file is an archive to inspect. A `.gz` beside its plain file is merely a copy, perhaps still being written,
 * unless the plain file is the live one, or younger: then that took the name of the one that was packed, as when
 * logrotate's `compress` is turned off.
 */
export function isArchive({ generations: { live, options } }: Scan, { path, facts }: Place): boolean {
  if (!path.endsWith('.gz')) return false
  const plain = path.slice(0, -3)
  return plain === options.path || plain === live?.place?.path || !isCopyOf(plain, facts, options.files)
}
