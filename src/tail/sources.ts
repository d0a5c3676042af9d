import { basename, dirname } from 'node:path'
import type { ImportedPosition } from '../checkpoint/datadog-import.ts'
import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { SourceConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import { bindMountWarning, type MountPoints } from './bind-mounts.ts'
import { type Complaint, createComplaint } from './complaint.ts'
import { textOf } from './decisions.ts'
import type { Descriptors } from './descriptors.ts'
import type { DirectoryListings } from './directory-listings.ts'
import { createDiscovery, type Discovered, type Discovery } from './discovery.ts'
import type { Elsewhere } from './elsewhere.ts'
import { Fault, type Files, isAbsent } from './files.ts'
import { recordOf } from './generation-record.ts'
import { importPosition } from './imported-position.ts'
import { Lineage } from './lineage.ts'
import { createMissing } from './missing.ts'
import type { Remembered } from './remembered.ts'
import type { Roster } from './roster.ts'
import { parseRotatedName } from './rotated-name.ts'

export interface SourcesOptions {
  readonly configs: readonly SourceConfig[]
  readonly destinations: readonly string[]
  readonly imports: ReadonlyMap<string, ImportedPosition>
  readonly files: Files
  readonly listings: DirectoryListings
  readonly descriptors: Descriptors
  readonly roster: Roster
  readonly remembered: Remembered
  readonly elsewhere: Elsewhere
  readonly log: Log
  readonly mountPoints: MountPoints
  readonly sinceMs: ReadonlyMap<string, number>
  readonly startedAtMs: number
  readonly finalQuietMs: number
  readonly deletedQuietMs: number
  readonly goneMs: number
  onChange(): void
  onDoubt(lineage: Lineage): void
  onAdd(lineage: Lineage): void
  onRemove(lineage: Lineage): void
}

interface Source {
  readonly config: SourceConfig
  readonly discovery: Discovery
  readonly lineages: Map<string, Lineage>
  /** Paths of its own that are read for another source. */
  readonly taken: Map<string, Lineage>
  readonly mounted: Map<string, string>
  readonly complain: Complaint
  discovered: Discovered
  faults: readonly Fault[]
}

const NOTHING: Discovered = { paths: [], directories: [], faults: [] }
/** A warning names so many paths. */
const MOST_NAMED = 3

/** The configured sources and the lineages of the files they mean. A file that several mean is read for the first one. */
export function createSources(options: SourcesOptions) {
  const { files, listings, roster, remembered, log } = options
  const sources = options.configs.map(
    (config): Source => ({
      ...{ config, discovery: createDiscovery(config, { files, listings }), discovered: NOTHING, faults: [] },
      ...{ lineages: new Map(), taken: new Map(), mounted: new Map(), complain: createComplaint(config.path, log) },
    }),
  )
  const missing = createMissing(options)
  const owners = new Map<string, Lineage>()
  const goneSinceMs = new Map<Lineage, number>()
  /** All live paths that are meant. */
  let wanted: ReadonlySet<string> = new Set()
  /** Of the present look. */
  let mounts: ReadonlySet<string> | undefined
  let isInitial = true

  /** Adds what is new, and lets go of what has been gone for long. */
  function look(nowMs: number): void {
    for (const source of sources) {
      source.discovered = source.discovery.look()
      source.faults = source.discovered.faults
    }
    wanted = new Set(sources.flatMap(({ discovered }) => discovered.paths))
    // First, as the file may be one of the newcomers.
    for (const source of sources) letGo(source, nowMs)
    const newcomers = sources.flatMap((source) => unknownPaths(source).map((path) => ({ source, path })))
    // What is recorded of a path is for that path, before others may take over what is left.
    const known = newcomers.map((newcomer) => ({ ...newcomer, own: remembered.take(newcomer.path) }))
    for (const { path, source, own } of known) {
      if (owners.has(path)) continue
      const former = [...remembered.pathsOf(files.stat(path)), ...remembered.seenAt(path)]
      const records = [...own, ...formerRecords(path, former)]
      if (records.length === 0 && isLinkTo(path)) continue
      const imported = records.length === 0 ? imports(path, source, nowMs) : []
      if (imported instanceof Fault) source.faults = [...source.faults, imported]
      else add({ path, source, records: [...records, ...imported] })
    }
    for (const { complain, faults } of sources) complain(faults[0]?.message)
    const isComplete = sources.every(({ faults }) => faults.length === 0)
    if (isComplete) missing.look(remembered.all(), concern)
    remembered.expire(nowMs)
    mounts = undefined
    isInitial = false
  }

  /** What was rotated before is history. With `forceEnd` every start is a first one. */
  function historyEndsAtMs({ path, startPosition }: SourceConfig): number {
    const sinceMs = startPosition === 'forceEnd' ? undefined : options.sinceMs.get(path)
    return sinceMs ?? options.startedAtMs
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

  /** A link to a file that is read under its own name: should the link be turned, that file goes on being read. */
  function isLinkTo(path: string): boolean {
    const real = files.realpath(path)
    return !(real instanceof Fault) && real !== path && wanted.has(real)
  }

  /** Of paths that nothing means any more, but whose file, or a file that was last seen here, this path means. */
  function formerRecords(path: string, former: readonly string[]): readonly GenerationRecord[] {
    const unwanted = former.filter((other) => !wanted.has(other))
    return unwanted.flatMap((other) => remembered.take(other)).map((record) => ({ ...record, path }))
  }

  /** What another agent knew of a path. */
  function imports(path: string, source: Source, nowMs: number): readonly GenerationRecord[] | Fault {
    const position = options.imports.get(path)
    if (!position) return []
    const { encoding } = source.config
    const imported = importPosition(path, position, {
      files,
      listings,
      encoding,
      destinations: options.destinations,
      nowMs,
    })
    if (imported instanceof Fault) return imported
    const { home, records } = imported
    if (records.length === 0) return []
    if (home !== undefined) log.info({ path, file: home, position: position.offset }, 'position imported')
    else {
      log.warn(
        { path, position: position.offset },
        'the imported position is in none of the files there are now: the live file is read from its beginning',
      )
    }
    return records
  }

  interface Newcomer {
    readonly path: string
    readonly source: Source
    readonly records: readonly GenerationRecord[]
  }

  function add({ path, source, records }: Newcomer): void {
    const { config } = source
    const lineage: Lineage = new Lineage({
      ...{ path, files, listings, log, records, isInitial },
      source: isAlone(path, source) ? { ...config, backfill: true } : config,
      startedAtMs: historyEndsAtMs(config),
      finalQuietMs: options.finalQuietMs,
      deletedQuietMs: options.deletedQuietMs,
      isElsewhere: (place, nowMs) => options.elsewhere.isElsewhere(lineage, place, nowMs),
      recall: (facts) => formerRecords(path, remembered.pathsOf(facts)),
      context: {
        ...{ files, descriptors: options.descriptors, labels: config.labels, maxLineBytes: config.maxLineBytes },
        destinations: options.destinations,
        onChange: options.onChange,
        onDoubt: () => options.onDoubt(lineage),
      },
    })
    missing.found(records)
    owners.set(path, lineage)
    source.lineages.set(path, lineage)
    roster.add(lineage)
    options.onAdd(lineage)
    options.onDoubt(lineage)
    const real = files.realpath(path)
    mounts ??= options.mountPoints()
    if (!mounts.has(path) && (real instanceof Fault || !mounts.has(real))) return
    source.mounted.set(path, bindMountWarning(path))
    log.warn({ path }, bindMountWarning(path))
  }

  /**
   * Files that only look like generations of a live one that is not there may be all that a pattern means: then they are
   * no history. Those that kube-apiserver has rotated are nothing else.
   */
  function isAlone(path: string, { discovered }: Source): boolean {
    if (discovered.directories.length === 0 || !isMissing(files.stat(path))) return false
    const listing = listings.list(dirname(path))
    const rotated = listing instanceof Fault ? [] : listing.rotatedOf(basename(path))
    return !rotated.some((name) => parseRotatedName(name, basename(path))?.kind === 'timestamp')
  }

  /** A file that was deleted, with all its generations, and read to its end: its records are kept, not more. */
  function letGo({ lineages, mounted }: Source, nowMs: number): void {
    for (const [path, lineage] of lineages) {
      if (wanted.has(path) || !isGone(lineage)) {
        goneSinceMs.delete(lineage)
        continue
      }
      const sinceMs = goneSinceMs.get(lineage) ?? nowMs
      goneSinceMs.set(lineage, sinceMs)
      if (nowMs - sinceMs < options.goneMs) continue
      remembered.put(
        path,
        [...lineage.generations.all()].map((generation) => recordOf(generation, nowMs)),
      )
      lineage.close()
      goneSinceMs.delete(lineage)
      lineages.delete(path)
      mounted.delete(path)
      owners.delete(path)
      roster.remove(lineage)
      options.onRemove(lineage)
    }
  }

  /** Whether something at `path` may be, or may hold, a file that a pattern means. */
  function concern(path: string): boolean {
    return sources.some(({ discovery }) => discovery.concerns(path))
  }

  return {
    look,
    /** Where files that a pattern means may appear. */
    directories: () => sources.flatMap(({ discovered }) => discovered.directories),
    concern,
    view: () =>
      sources.map(({ config, lineages, faults, mounted, taken }) => ({
        source: config,
        lineages: [...lineages.values()],
        faults,
        warnings: [...mounted.values(), ...takenWarnings(taken), ...unreadableWarnings(lineages.values())],
      })),
  }
}

/** Also its rotated files are deleted, and nothing of them is left to be read or settled. */
function isGone({ generations, livePath, isUndecided, options: { files } }: Lineage): boolean {
  const { live, reading, done, homeless } = generations
  if (live !== undefined || livePath.missing < 2 || reading.length > 0 || isUndecided) return false
  if (homeless.some(({ finished, lossReported, cursors }) => cursors.isOut || !(finished || lossReported))) return false
  return done.every(({ lastPath }) => isMissing(files.stat(lastPath)))
}

function isMissing(facts: object): boolean {
  return facts instanceof Fault && isAbsent(facts)
}

function takenWarnings(taken: ReadonlyMap<string, Lineage>): readonly string[] {
  const warnings = [...taken].map(([path, lineage]) => {
    const { source } = lineage.options
    return `${path} is read for ${source.path} (${source.integration}), which means it, too`
  })
  return shortened(warnings, 'of its files are read for other sources')
}

function unreadableWarnings(lineages: Iterable<Lineage>): readonly string[] {
  const unreadable = [...lineages].flatMap(({ generations: { decisions } }) => [
    ...decisions.damaged,
    ...decisions.refused,
  ])
  return shortened(unreadable.map(textOf), 'rotated files cannot be read')
}

function shortened(warnings: readonly string[], what: string): readonly string[] {
  const more = warnings.length - MOST_NAMED
  return more > 0 ? [...warnings.slice(0, MOST_NAMED), `${more} more ${what}`] : warnings
}
