import type { GenerationRecord } from '../../checkpoint/registry.ts'
import type { SourceConfig } from '../../config/config.ts'
import { Fault, type FileFacts } from '../file/files.ts'
import { isIdentity } from '../file/identity.ts'
import { recordOf } from '../generation/generation-record.ts'
import { type Complaint, createComplaint } from '../lineage/complaint.ts'
import type { Lineage } from '../lineage/lineage.ts'
import { createDiscovery, type Discovered, type Discovery } from '../names/discovery.ts'
import { bindMountWarning, type MountPoints } from './bind-mounts.ts'
import { type CreateLineageOptions, createLineage } from './create-lineage.ts'
import { createExpiry } from './expiry.ts'
import { createImports, type ImportsOptions } from './imports.ts'
import type { LineageIndex } from './lineage-index.ts'
import { createMissing } from './missing.ts'
import { type SourceView, viewOf } from './source-view.ts'
import type { UnclaimedRecords } from './unclaimed-records.ts'

export interface SourcesOptions extends CreateLineageOptions, ImportsOptions {
  readonly configs: readonly SourceConfig[]
  readonly lineageIndex: LineageIndex
  readonly unclaimed: UnclaimedRecords
  readonly mountPoints: MountPoints
  readonly goneMs: number
  onAdd(lineage: Lineage): void
  onRemove(lineage: Lineage): void
}

/** The configured sources and the lineages of the files they match. A file that several match is read for the first one. */
export interface Sources {
  /** Adds new files, and releases those that have been gone for long. */
  look(nowMs: number): void
  /** Returns the directories in which files that a pattern matches may appear. */
  directories(): readonly string[]
  /** Whether something at `path` may be, or may hold, a file that a pattern matches. */
  concern(path: string): boolean
  view(): readonly SourceView[]
}

interface Source {
  readonly config: SourceConfig
  readonly discovery: Discovery
  readonly lineages: Map<string, Lineage>
  /** Paths that it matches but that are read for another source. */
  readonly taken: Map<string, Lineage>
  readonly mounted: Map<string, string>
  readonly complain: Complaint
  discovered: Discovered
  faults: readonly Fault[]
}

const NOTHING: Discovered = { paths: [], directories: [], faults: [] }

export function createSources(options: SourcesOptions): Sources {
  const { files, listings, lineageIndex, unclaimed, log } = options
  const sources = options.configs.map(
    (config): Source => ({
      config,
      discovery: createDiscovery(config, { files, listings }),
      lineages: new Map(),
      taken: new Map(),
      mounted: new Map(),
      complain: createComplaint(config.path, log),
      discovered: NOTHING,
      faults: [],
    }),
  )
  const imports = createImports(options)
  const missing = createMissing(options)
  const isExpired = createExpiry(options)
  const owners = new Map<string, Lineage>()
  /** All live paths that a source matches. */
  let wanted: ReadonlySet<string> = new Set()
  /** Mount points, read at most once per look. */
  let mounts: ReadonlySet<string> | undefined
  let isInitial = true

  function look(nowMs: number): void {
    for (const source of sources) {
      source.discovered = source.discovery.look()
      source.faults = source.discovered.faults
    }
    wanted = new Set(sources.flatMap(({ discovered }) => discovered.paths))
    // Releases come first, as a file may now be at one of the new paths.
    for (const source of sources) releaseExpired(source, nowMs)
    addNewPaths(nowMs)
    addRotatedOnly()
    for (const { complain, faults } of sources) complain(faults[0]?.message)
    unclaimed.expire(nowMs)
    mounts = undefined
    isInitial = false
  }

  function addNewPaths(nowMs: number): void {
    const newcomers = sources.flatMap((source) => unknownPaths(source).map((path) => ({ source, path })))
    // Each path takes its own records before others may take over what is left.
    const withOwn = newcomers.map((newcomer) => ({ ...newcomer, own: unclaimed.take(newcomer.path) }))
    for (const { path, source, own } of withOwn) {
      const owner = owners.get(path)
      if (owner) {
        source.taken.set(path, owner)
        continue
      }
      const facts = files.stat(path)
      const seenHere = unclaimed.seenAt(path)
      const isSeen = (record: GenerationRecord) => record.lastPath === path
      const known = [...own, ...seenHere.flatMap((other) => unclaimed.of(other)).filter(isSeen)]
      // If the file is recorded here, or is one that is tailed, other records of it belong to its clone.
      const isOwn = !(facts instanceof Fault) && (known.some((one) => isIdentity(one, facts)) || isTailed(facts))
      const former = [...(isOwn ? [] : unclaimed.pathsOf(facts)), ...seenHere]
      const records = [...own, ...formerRecords(path, former)]
      if (records.length === 0 && isLinkTo(path)) continue
      const imported = records.length === 0 ? imports(path, source.config, nowMs) : []
      if (imported instanceof Fault) source.faults = [...source.faults, imported]
      else add(source, path, [...records, ...imported])
    }
  }

  /** Adds live paths whose file was rotated or packed while the agent was down, without a new one in its place. */
  function addRotatedOnly(): void {
    const isMeant = (path: string) => sourceOf(path) !== undefined
    for (const path of missing.look(isMeant, (other) => wanted.has(other))) {
      const source = sourceOf(path)
      // If `start_position` ignores what was read before, such files would be read again at every start.
      if (source && !source.config.startPosition.startsWith('force')) add(source, path, unclaimed.take(path))
    }
  }

  function sourceOf(path: string): Source | undefined {
    return sources.find(({ discovery }) => discovery.means(path))
  }

  function unknownPaths({ discovered, lineages, taken }: Source): readonly string[] {
    taken.clear()
    return discovered.paths.filter((path) => {
      if (lineages.has(path)) return false
      const owner = owners.get(path)
      if (owner) taken.set(path, owner)
      return owner === undefined
    })
  }

  function isTailed(facts: FileFacts): boolean {
    const known = lineageIndex.knowing(facts).flatMap(({ generations }) => generations.ofFile(facts))
    return known.some(({ identity }) => identity.dev === facts.dev)
  }

  /** Whether a path is a link to a file that is read under its own name: if the link is repointed, that file is still read. */
  function isLinkTo(path: string): boolean {
    const real = files.realpath(path)
    return !(real instanceof Fault) && real !== path && wanted.has(real)
  }

  /**
   * Takes over the records of former paths that no source matches any more, but whose file is, or was last seen, at this
   * path.
   */
  function formerRecords(path: string, former: readonly string[]): readonly GenerationRecord[] {
    const unwanted = former.filter((other) => !wanted.has(other))
    const records = unwanted.flatMap((other) => unclaimed.take(other))
    missing.found(records)
    return records.map((record) => ({ ...record, path }))
  }

  function add(source: Source, path: string, records: readonly GenerationRecord[]): void {
    const isDiscovered = source.discovered.directories.length > 0
    const lineage = createLineage(
      {
        path,
        source: source.config,
        isDiscovered,
        isInitial,
        records,
        recall: (facts) => (isTailed(facts) ? [] : formerRecords(path, unclaimed.pathsOf(facts))),
      },
      options,
    )
    missing.found(records)
    owners.set(path, lineage)
    source.lineages.set(path, lineage)
    lineageIndex.add(lineage)
    options.onAdd(lineage)
    options.onDirty(lineage)
    const real = files.realpath(path)
    mounts ??= options.mountPoints()
    if (!mounts.has(path) && (real instanceof Fault || !mounts.has(real))) return
    source.mounted.set(path, bindMountWarning(path))
    log.warn({ path }, bindMountWarning(path))
  }

  /** Releases files deleted with all their generations and read to their end: only the records are kept. */
  function releaseExpired({ lineages, mounted }: Source, nowMs: number): void {
    for (const [path, lineage] of lineages) {
      if (!isExpired(lineage, wanted.has(path), nowMs)) continue
      const records = [...lineage.generations.all()].map((generation) => recordOf(generation, nowMs))
      unclaimed.put(path, records)
      lineage.close()
      lineages.delete(path)
      mounted.delete(path)
      owners.delete(path)
      lineageIndex.remove(lineage)
      options.onRemove(lineage)
    }
  }

  function concern(path: string): boolean {
    return sources.some(({ discovery }) => discovery.concerns(path))
  }

  return {
    look,
    directories: () => sources.flatMap(({ discovered }) => discovered.directories),
    concern,
    view: () => {
      // A file that several patterns match would have been read for the first one.
      const gone = Map.groupBy(missing.gone(), ({ path }) => sources.find(({ discovery }) => discovery.concerns(path)))
      return sources.map((source) => viewOf({ ...source, gone: gone.get(source) ?? [] }, files))
    },
  }
}
