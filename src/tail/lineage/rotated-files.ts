import { basename, dirname, join } from 'node:path'
import { isCopyOf } from '../file/beside-plain.ts'
import { Fault, isAbsent, leadsNowhere } from '../file/files.ts'
import type { Place } from '../file/place.ts'
import type { DirectoryListing } from '../names/directory-listings.ts'
import { compareAge, parseRotatedName } from '../names/rotated-name.ts'
import { refuse, type Scan } from './scan.ts'

/** Returns the rotated files of a live path, oldest first; `listing`: the directory of the live file. */
export function rotatedFiles(scan: Scan, listing: DirectoryListing | Fault): Place[] {
  const { files } = scan.generations.options
  const { name } = scan.livePath.base
  const places: Place[] = []
  for (const path of new Set([...besideFile(scan, listing), ...besideLink(scan, listing)])) {
    const facts = files.stat(path)
    if (facts instanceof Fault) {
      if (!leadsNowhere(facts)) refuse(scan, facts)
    } else if (facts.kind === 'file') places.push({ path, facts })
  }
  return places
    .map((place) => ({ place, name: parseRotatedName(basename(place.path), name), mtimeMs: place.facts.mtimeMs }))
    .sort(compareAge)
    .map(({ place }) => place)
}

function besideFile({ livePath: { base } }: Scan, listing: DirectoryListing | Fault): readonly string[] {
  return listing instanceof Fault ? [] : listing.rotatedOf(base.name).map((name) => join(base.directory, name))
}

/**
 * Returns the rotated files named after the live path itself, if that is a link to dated files, as cronolog and `rotatelogs
 * -L` make it.
 */
function besideLink(scan: Scan, listing: DirectoryListing | Fault): readonly string[] {
  const { generations, livePath } = scan
  const { path, listings } = generations.options
  const { base } = livePath
  const own = listings.list(dirname(path))
  if (own instanceof Fault) {
    const isMissed = own !== listing && generations.all().some(({ lastPath }) => dirname(lastPath) === dirname(path))
    if (isMissed && !isAbsent(own)) refuse(scan, own, 'directory')
    return []
  }
  const isSame = !(listing instanceof Fault) && own.id === listing.id
  if (isSame && basename(path) === base.name) return []
  return own.rotatedOf(basename(path)).map((name) => join(isSame ? base.directory : dirname(path), name))
}

/**
 * Whether a file is an archive to inspect. A `.gz` beside its plain file is merely a copy, perhaps still being written,
 * unless the plain file is the live one, or younger: then that took the name of the one that was packed, as when
 * logrotate's `compress` is turned off.
 */
export function isArchive({ generations, livePath }: Scan, { path, facts }: Place): boolean {
  if (!path.endsWith('.gz')) return false
  const { base } = livePath
  const { path: link, files } = generations.options
  const plain = path.slice(0, -3)
  return plain === join(base.directory, base.name) || plain === link || !isCopyOf(plain, facts, files)
}
