import { dirname, join } from 'node:path'
import type { ImportedPosition } from '../checkpoint/datadog-import.ts'
import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { Feed } from '../chunk.ts'
import type { SourceConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import { createLaneFeed } from './feed.ts'
import { createDescriptors } from './file/descriptors.ts'
import { type Files, nodeFiles } from './file/files.ts'
import { recordOf } from './generation/generation-record.ts'
import type { Lineage } from './lineage/lineage.ts'
import { createDirectoryListings } from './names/directory-listings.ts'
import { liveNameOf } from './names/rotated-name.ts'
import { createLookTimes } from './schedule/look-times.ts'
import { createPassLoop } from './schedule/pass-loop.ts'
import { createRounds, TICK_MS } from './schedule/rounds.ts'
import { createWakeUps, type WakeUps, type WakeUpsOptions } from './schedule/wake-ups.ts'
import { type WatchList, watchList } from './schedule/watch-list.ts'
import { linuxMountPoints, type MountPoints } from './sources/bind-mounts.ts'
import { createFileOwnership } from './sources/file-ownership.ts'
import { createLineageIndex } from './sources/lineage-index.ts'
import type { SourceView } from './sources/source-view.ts'
import { createSources } from './sources/sources.ts'
import { createUnclaimedRecords } from './sources/unclaimed-records.ts'

/** How long a rotated file must be quiet before its last line counts without a newline. */
const FINAL_QUIET_MS = 5000
/** How long a deleted file must be quiet before it is let go of, while nothing is written to a new one in its place. */
const DELETED_QUIET_MS = 300_000
/** How long a file that is gone and finished stays in memory. */
const GONE_MS = 60_000

export interface TailerOptions {
  readonly sources: readonly SourceConfig[]
  /** The names of the destinations: each gets a feed and a position of its own in every file. */
  readonly destinations: readonly string[]
  readonly records: readonly GenerationRecord[]
  /** Positions of another agent, by path, for files without a record. */
  readonly imports?: ReadonlyMap<string, ImportedPosition>
  /**
   * Since when each source, by its path or pattern, has been tailed: files rotated before that are history. A source that
   * is not listed is tailed from now on.
   */
  readonly sinceMs?: ReadonlyMap<string, number>
  /** Sources, by path or pattern, that were tailed before this start. */
  readonly knownSources?: ReadonlySet<string>
  readonly openFilesLimit: number
  /** How long the state of a file that is gone is kept. */
  readonly expireAfterMs: number
  /** `records()` has changed. */
  onChange(): void
  readonly log: Log
  readonly files?: Files
  readonly mountPoints?: MountPoints
  /** See `FINAL_QUIET_MS`, `DELETED_QUIET_MS`, `GONE_MS`. */
  readonly finalQuietMs?: number
  readonly deletedQuietMs?: number
  readonly goneMs?: number
  /** How often recently changed files are checked without a wake-up, and the source of wake-ups. */
  readonly tickMs?: number
  readonly wakeUps?: (options: WakeUpsOptions) => WakeUps
}

export interface Tailer {
  feed(destination: string): Feed
  /** Looks at everything once and offers what it finds to the feeds. */
  pass(): Promise<void>
  /** Resolves when no archive is being inspected. */
  idle(): Promise<void>
  /** Starts making passes on file events, and on a poll that backs them up. */
  start(): void
  /** Ends reading and watching; parts already taken may still be settled, and `records()` then shows it. */
  stop(): Promise<void>
  /** Closes the files. */
  close(): void
  records(): readonly GenerationRecord[]
  /** Per source, in the order given. */
  view(): readonly SourceView[]
  readonly openFiles: number
  /** Time since the last pass ended, monotonic: shows whether the tail loop is alive. */
  readonly idleMs: number
}

export function createTailer(options: TailerOptions): Tailer {
  const files = options.files ?? nodeFiles
  const { log } = options
  const descriptors = createDescriptors(options.openFilesLimit)
  const listings = createDirectoryListings(files)
  const feeds = new Map(options.destinations.map((name) => [name, createLaneFeed(name)]))
  const rounds = createRounds(options.tickMs ?? TICK_MS)
  const looks = createLookTimes()
  const lineageIndex = createLineageIndex()
  const unclaimed = createUnclaimedRecords(options.records, options.expireAfterMs)
  const ownership = createFileOwnership({ lineageIndex, files, onNews: markDirty })
  const sources = createSources({
    files,
    listings,
    descriptors,
    lineageIndex,
    unclaimed,
    ownership,
    log,
    onDirty: markDirty,
    configs: options.sources,
    destinations: options.destinations,
    imports: options.imports ?? new Map(),
    mountPoints: options.mountPoints ?? linuxMountPoints,
    onChange: () => options.onChange(),
    sinceMs: options.sinceMs ?? new Map(),
    knownSources: options.knownSources ?? new Set(),
    startedAtMs: Date.now(),
    finalQuietMs: options.finalQuietMs ?? FINAL_QUIET_MS,
    deletedQuietMs: options.deletedQuietMs ?? DELETED_QUIET_MS,
    goneMs: options.goneMs ?? GONE_MS,
    onAdd: rounds.add,
    onRemove: rounds.remove,
  })
  const passLoop = createPassLoop({
    run,
    nextAtMs: () => (isStarted ? Math.min(rounds.tickAtMs, looks.requestedAtMs) : undefined),
  })
  let isStarted = false
  let wakeUps: WakeUps | undefined
  let watching: WatchList = { directories: new Set(), awaited: new Set() }
  let passedAtMs = performance.now()

  /** Finds out which files there are and what to watch. */
  function look(nowMs: number): void {
    sources.look(nowMs)
    watching = watchList([...lineageIndex.directories(), ...sources.directories()], files)
    wakeUps?.watch(watching.directories)
    looks.looked(watching.directories.size)
  }

  async function run(): Promise<void> {
    const nowMs = Date.now()
    const atMs = performance.now()
    listings.begin(nowMs)
    descriptors.begin()
    if (looks.isDue(atMs)) look(nowMs)
    const hasRoom = () => descriptors.makeRoom() === undefined
    for (const lineage of rounds.due(atMs, { eventsIncomplete: wakeUps?.isIncomplete ?? true, hasRoom })) {
      rounds.check(lineage, atMs, nowMs)
      lineageIndex.update(lineage)
      for (const feed of feeds.values()) feed.offer(lineage)
    }
    passedAtMs = performance.now()
  }

  function pass(): Promise<void> {
    looks.force()
    for (const lineage of lineageIndex.lineages) {
      lineage.wantScan()
      rounds.markDirty(lineage)
    }
    return passLoop.pass()
  }

  function markDirty(lineage: Lineage): void {
    rounds.markDirty(lineage)
    passLoop.wake()
  }

  /**
   * Wakes the lineages that an event may concern: the file's own, the one it was rotated from, those in a directory, new
   * ones.
   */
  function onPath(path: string, event: 'change' | 'other'): void {
    const own = [...lineageIndex.named(path)]
    for (const lineage of own) markDirty(lineage)
    const live = liveNameOf(path)
    for (const lineage of live === undefined ? [] : lineageIndex.named(join(dirname(path), live))) {
      lineage.wantScan()
      markDirty(lineage)
    }
    if (event === 'change') return
    for (const lineage of lineageIndex.within(path)) markDirty(lineage)
    if (!watching.awaited.has(path) && (own.length > 0 || !sources.concern(path))) return
    looks.request()
    passLoop.wake()
  }

  return {
    feed: (destination) => {
      const feed = feeds.get(destination)
      if (!feed) throw new Error(`no destination is named ${destination}`)
      return feed
    },
    pass,
    async idle() {
      for (const lineage of lineageIndex.lineages) await lineage.idle()
    },
    start() {
      isStarted = true
      const create = options.wakeUps ?? createWakeUps
      wakeUps = create({ onPath, log, now: () => performance.now() })
      wakeUps.watch(watching.directories)
      void passLoop.pass()
    },
    async stop() {
      for (const feed of feeds.values()) feed.stop()
      // Not awaited: its pending operations may hang as long as a file system is dead.
      void wakeUps?.close()
      await passLoop.stop()
    },
    close() {
      for (const lineage of lineageIndex.lineages) lineage.close()
    },
    records() {
      const nowMs = Date.now()
      const records: GenerationRecord[] = []
      for (const lineage of lineageIndex.lineages) {
        for (const generation of lineage.generations.all()) {
          const record = recordOf(generation, nowMs)
          if (generation.place || nowMs - Date.parse(record.seenAt) < options.expireAfterMs) records.push(record)
        }
      }
      for (const record of unclaimed.all()) records.push(record)
      return records
    },
    view: () => sources.view(),
    get openFiles() {
      return descriptors.open
    },
    get idleMs() {
      return performance.now() - passedAtMs
    },
  }
}
