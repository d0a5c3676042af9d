import { dirname, join } from 'node:path'
import type { SourceConfig } from '../../config/config.ts'
import { Fault, type Files, isAbsent } from '../file/files.ts'
import type { DirectoryListing, DirectoryListings } from './directory-listings.ts'
import { compileGlob, compileGlobs } from './glob.ts'
import { liveNamesOf } from './rotated-name.ts'

export interface Discovered {
  /** Live paths, sorted. A path without a glob is always included, even while there is no such file. */
  readonly paths: readonly string[]
  /** Directories whose changes can change the result: to be watched. */
  readonly directories: readonly string[]
  /** Directories that could not be read. */
  readonly faults: readonly Fault[]
}

/** The files one source matches, and which file-system changes may matter to it. */
export interface Discovery {
  /** The current live files; the same object if nothing changed. */
  look(): Discovered
  /** Whether a file at `path` is, or would be, a live file of the pattern. */
  means(path: string): boolean
  /** Whether a file that appeared at `path` may be a live file, or a directory that appeared there may hold one. */
  concerns(path: string): boolean
}

const MAX_ENTRIES = 200_000

/**
 * A file named like a rotated generation is left to its live path if the pattern matches that, too, so that no line is read
 * under two names.
 */
export function createDiscovery(
  { path: pattern, excludePaths }: Pick<SourceConfig, 'path' | 'excludePaths'>,
  { files, listings }: { files: Files; listings: DirectoryListings },
): Discovery {
  const glob = compileGlob(pattern)
  const isExcluded = compileGlobs(excludePaths)
  const isWanted = (path: string) => glob.matches(path) && !isExcluded(path)
  const walk = createWalk({ files, listings }, glob.reaches, liveIn)
  let last: { readonly visits: readonly Visit[]; readonly discovered: Discovered } | undefined

  /** Returns the live paths that the regular files of a directory stand for. */
  function liveIn(directory: string, names: readonly string[]): readonly string[] {
    const found = new Set<string>()
    for (const name of names) {
      const path = join(directory, name)
      if (!isWanted(path)) continue
      const livePaths = liveNamesOf(name).map((live) => join(directory, live))
      found.add(livePaths.find(isWanted) ?? path)
    }
    return [...found]
  }

  if (glob.isLiteral) {
    const literal = { paths: isExcluded(glob.base) ? [] : [glob.base], directories: [], faults: [] }
    return { look: () => literal, means: isWanted, concerns: () => false }
  }
  return {
    look() {
      const { visits, faults } = walk(glob.base)
      if (last && faults.length === 0 && last.discovered.faults.length === 0 && isSame(visits, last.visits)) {
        return last.discovered
      }
      const paths = [...new Set(visits.flatMap((visit) => visit.paths))].sort()
      const directories = visits.length === 0 ? [glob.base] : visits.map(({ directory }) => directory)
      const discovered = { paths, directories, faults }
      last = { visits, discovered }
      return discovered
    },
    means: isWanted,
    concerns: (path) => isWanted(path) || (glob.reaches(dirname(path)) && glob.reaches(path)),
  }
}

/** A directory as a walk found it. */
interface Visit {
  readonly directory: string
  readonly paths: readonly string[]
}

function isSame(a: readonly Visit[], b: readonly Visit[]): boolean {
  return a.length === b.length && a.every((visit, index) => visit === b[index])
}

interface Known {
  readonly listing: DirectoryListing
  /** Whether it has only files and directories, so that no entry needs a stat of its own. */
  readonly isPlain: boolean
  readonly visit: Visit
  readonly directories: readonly string[]
}

/** Walks the directories that `reaches` accepts; what it found in one is kept while its listing is the same. */
function createWalk(
  { files, listings }: { files: Files; listings: DirectoryListings },
  reaches: (directory: string) => boolean,
  liveIn: (directory: string, names: readonly string[]) => readonly string[],
): (base: string) => { visits: readonly Visit[]; faults: readonly Fault[] } {
  let known = new Map<string, Known>()

  function read(directory: string, listing: DirectoryListing): Known {
    const before = known.get(directory)
    if (before?.listing === listing && before.isPlain) return before
    const names: string[] = []
    const directories: string[] = []
    let isPlain = true
    for (const { name, kind } of listing.entries) {
      if (kind === 'file') names.push(name)
      else if (kind === 'directory') directories.push(name)
      else {
        isPlain = false
        const facts = files.stat(join(directory, name))
        if (facts instanceof Fault) continue
        if (facts.kind === 'file') names.push(name)
        else if (facts.kind === 'directory') directories.push(name)
      }
    }
    const paths = liveIn(directory, names)
    const isRepeated = before !== undefined && isEqual(paths, before.visit.paths)
    const visit = isRepeated ? before.visit : { directory, paths }
    return { listing, isPlain, visit, directories: directories.map((name) => join(directory, name)) }
  }

  return (base) => {
    const visits: Visit[] = []
    const faults: Fault[] = []
    const next = new Map<string, Known>()
    let entries = 0

    /** `above`: the directories on the way here, as a link may lead back to one of them. */
    function enter(directory: string, above: readonly string[]): void {
      const listing = listings.list(directory)
      if (listing instanceof Fault) {
        if (!isAbsent(listing)) faults.push(listing)
        return
      }
      if (above.includes(listing.id)) return
      entries += listing.entries.length
      if (entries > MAX_ENTRIES) {
        faults.push(new Fault('E2BIG', `${base} holds more than ${MAX_ENTRIES} entries: the rest is not looked at`))
        return
      }
      const found = read(directory, listing)
      next.set(directory, found)
      visits.push(found.visit)
      for (const child of found.directories) if (reaches(child)) enter(child, [...above, listing.id])
    }

    enter(base, [])
    known = next
    return { visits, faults }
  }
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((path, index) => path === b[index])
}
