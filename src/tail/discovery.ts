import { join, sep } from 'node:path'
import picomatch from 'picomatch'
import type { SourceConfig } from '../config/config.ts'
import { Fault, type Files } from './files.ts'
import { liveNameOf } from './rotated-name.ts'

export interface Discovered {
  /** Live paths. A path without a glob is always one, also while there is no such file. */
  readonly paths: readonly string[]
  /** Directories whose changes can change the result: to be watched. */
  readonly directories: readonly string[]
  /** Directories that could not be read. */
  readonly faults: readonly Fault[]
}

const MAX_DEPTH = 32
const MAX_ENTRIES = 200_000

/**
 * The live files a source means now. Names that say they are rotated generations of a live name that the pattern also
 * matches are left to that live path, so that no line is read under two names.
 */
export function discover(source: Pick<SourceConfig, 'path' | 'excludePaths'>, files: Files): Discovered {
  const { base, glob } = picomatch.scan(source.path)
  const isExcluded = picomatch([...source.excludePaths], { dot: true })
  if (glob === '') {
    const excluded = source.excludePaths.length > 0 && isExcluded(source.path)
    return { paths: excluded ? [] : [source.path], directories: [], faults: [] }
  }
  const isMatch = picomatch(source.path, { dot: true })
  const walk = walker(files, glob.includes('**') ? MAX_DEPTH : glob.split('/').length)
  const wanted = (path: string) => isMatch(path) && !(source.excludePaths.length > 0 && isExcluded(path))
  const found = new Set<string>()
  for (const path of walk.files(base === '' ? sep : base)) {
    if (!wanted(path)) continue
    const live = liveNameOf(path)
    const livePath = live === undefined ? undefined : join(path, '..', live)
    found.add(livePath !== undefined && wanted(livePath) ? livePath : path)
  }
  return { paths: [...found].sort(), directories: walk.directories, faults: walk.faults }
}

function walker(files: Files, maxDepth: number) {
  const directories: string[] = []
  const faults: Fault[] = []
  const visited = new Set<string>()
  let entries = 0

  function* walk(directory: string, depth: number): Generator<string> {
    const real = files.realpath(directory)
    if (real instanceof Fault || visited.has(real)) return
    visited.add(real)
    const names = files.list(directory)
    if (names instanceof Fault) {
      if (names.code !== 'ENOENT' && names.code !== 'ENOTDIR') faults.push(names)
      return
    }
    directories.push(directory)
    for (const name of names) {
      entries += 1
      if (entries > MAX_ENTRIES) return
      const path = join(directory, name)
      const facts = files.stat(path)
      if (facts instanceof Fault) continue
      if (facts.kind === 'file') yield path
      else if (facts.kind === 'directory' && depth < maxDepth) yield* walk(path, depth + 1)
    }
  }

  return { directories, faults, files: (base: string) => walk(base, 1) }
}
