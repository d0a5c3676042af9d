import { dirname, join, normalize } from 'node:path'
import type { FileIdentity } from '../file/identity.ts'
import { keyOf } from '../generation/by-file.ts'
import type { Generation } from '../generation/generation.ts'
import type { Lineage } from '../lineage/lineage.ts'
import type { LivePath } from '../lineage/live-path.ts'

/** All lineages, indexed by their names and files. */
export interface LineageIndex {
  readonly lineages: Iterable<Lineage>
  add(lineage: Lineage): void
  remove(lineage: Lineage): void
  /** Must be called after each check, as a link may have been repointed and files may have appeared. */
  update(lineage: Lineage): void
  /** Returns those with this live path, as discovered or with links resolved. */
  named(path: string): Iterable<Lineage>
  /** Returns those whose live path, as discovered or with links resolved, lies in a directory. */
  within(directory: string): Iterable<Lineage>
  /**
   * Returns the lineages that know a file, or its clone on another volume, wherever it lies now; the latest to learn of it
   * first.
   */
  knowing(file: FileIdentity): readonly Lineage[]
  /** Returns the directories of live files and their rotated generations. */
  directories(): Iterable<string>
}

interface Entry {
  readonly base: LivePath['base']
  readonly paths: ReadonlySet<string>
}

/** The index of files is rebuilt when it exceeds this plus twice its size after the last rebuild. */
const FEW_FILES = 1000

export function createLineageIndex(): LineageIndex {
  const entries = new Map<Lineage, Entry>()
  const byName = new Map<string, Set<Lineage>>()
  const byDirectory = new Map<string, Set<Lineage>>()
  const indexed = new WeakMap<Generation, FileIdentity>()
  const versions = new WeakMap<Lineage, number>()
  let byFile = new Map<string, readonly Lineage[]>()
  let mostFiles = FEW_FILES

  function name(lineage: Lineage, paths: ReadonlySet<string>): void {
    for (const path of entries.get(lineage)?.paths ?? []) {
      drop(byName, path, lineage)
      drop(byDirectory, dirname(path), lineage)
    }
    for (const path of paths) {
      put(byName, path, lineage)
      put(byDirectory, dirname(path), lineage)
    }
    entries.set(lineage, { base: lineage.livePath.base, paths })
  }

  function indexFiles(lineage: Lineage): void {
    const { version } = lineage.generations.byFile
    if (versions.get(lineage) === version) return
    versions.set(lineage, version)
    for (const generation of lineage.generations.all()) {
      const { identity } = generation
      if (indexed.get(generation) === identity) continue
      indexed.set(generation, identity)
      index(identity, lineage)
    }
    if (byFile.size > mostFiles) sweep()
  }

  function index(identity: FileIdentity, lineage: Lineage): void {
    const others = knowing(identity).filter((other) => other !== lineage)
    byFile.set(keyOf(identity), [lineage, ...others])
  }

  function knowing(file: FileIdentity): readonly Lineage[] {
    const lineages = byFile.get(keyOf(file)) ?? []
    return lineages.filter((lineage) => entries.has(lineage) && lineage.generations.ofFile(file).length > 0)
  }

  function sweep(): void {
    byFile = new Map()
    for (const lineage of entries.keys()) for (const { identity } of lineage.generations.all()) index(identity, lineage)
    mostFiles = FEW_FILES + 2 * byFile.size
  }

  return {
    get lineages() {
      return entries.keys()
    },
    add(lineage) {
      name(lineage, pathsOf(lineage))
      indexFiles(lineage)
    },
    remove(lineage) {
      name(lineage, new Set())
      entries.delete(lineage)
    },
    update(lineage) {
      if (entries.get(lineage)?.base !== lineage.livePath.base) name(lineage, pathsOf(lineage))
      indexFiles(lineage)
    },
    named: (path) => byName.get(path) ?? [],
    within: (directory) => byDirectory.get(directory) ?? [],
    knowing,
    directories: () => byDirectory.keys(),
  }
}

function pathsOf({ options, livePath: { base } }: Lineage): ReadonlySet<string> {
  return new Set([normalize(options.path), join(base.directory, base.name)])
}

function put(groups: Map<string, Set<Lineage>>, key: string, lineage: Lineage): void {
  const group = groups.get(key)
  if (group) group.add(lineage)
  else groups.set(key, new Set([lineage]))
}

function drop(groups: Map<string, Set<Lineage>>, key: string, lineage: Lineage): void {
  const group = groups.get(key)
  group?.delete(lineage)
  if (group?.size === 0) groups.delete(key)
}
