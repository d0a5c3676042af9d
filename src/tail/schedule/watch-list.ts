import { dirname } from 'node:path'
import { Fault, type Files } from '../file/files.ts'

export interface WatchList {
  /** Directories that exist. */
  readonly directories: ReadonlySet<string>
  /** Paths that have to appear in one of them before a wanted directory can. */
  readonly awaited: ReadonlySet<string>
}

/** Returns what to watch for these directories: for one that does not exist, its nearest existing ancestor. */
export function watchList(wanted: Iterable<string>, files: Files): WatchList {
  const directories = new Set<string>()
  const awaited = new Set<string>()
  for (const directory of wanted) {
    let existing = directory
    while (!directories.has(existing) && !isDirectory(files, existing) && dirname(existing) !== existing) {
      awaited.add(existing)
      existing = dirname(existing)
    }
    directories.add(existing)
  }
  return { directories, awaited }
}

function isDirectory(files: Files, path: string): boolean {
  const facts = files.stat(path)
  return !(facts instanceof Fault) && facts.kind === 'directory'
}
