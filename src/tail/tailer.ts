import { dirname, join } from 'node:path'
import type { Feed } from '../block.ts'
import type { ImportedPosition } from '../checkpoint/datadog-import.ts'
import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { SourceConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import { linuxMountPoints, type MountPoints } from './bind-mounts.ts'
import { createDescriptors } from './descriptors.ts'
import { createDirectoryListings } from './directory-listings.ts'
import { createElsewhere } from './elsewhere.ts'
import { createLaneFeed } from './feed.ts'
import { type Fault, type Files, nodeFiles } from './files.ts'
import type { Lineage } from './lineage.ts'
import { createRemembered } from './remembered.ts'
import { createRoster } from './roster.ts'
import { liveNameOf } from './rotated-name.ts'
import { createSources } from './sources.ts'
import { createTurns } from './turns.ts'
import { createWakeUps, type WakeUps, type WakeUpsOptions } from './wake-ups.ts'
import { type WatchList, watchList } from './watch-list.ts'

export interface TailerOptions {
  readonly sources: readonly SourceConfig[]
  /** The names of the destinations: each gets a feed and a position of its own in every file. */
  readonly destinations: readonly string[]
  readonly records: readonly GenerationRecord[]
  /** Positions of another agent, by path, for files that nothing is recorded of. */
  readonly imports?: ReadonlyMap<string, ImportedPosition>
  /**
   * Since when a source, by its path or pattern, is tailed: what was rotated before is history. Of a source that is not in
   * it: since now.
   */
  readonly sinceMs?: ReadonlyMap<string, number>
  readonly openFilesLimit: number
  /** State of a file that is gone is dropped after this long. */
  readonly expireAfterMs: number
  /** `records()` would say something new. */
  onChange(): void
  readonly log: Log
  readonly files?: Files
  readonly mountPoints?: MountPoints
  readonly finalQuietMs?: number
  /** How long a file that is gone and done with stays in memory. */
  readonly goneMs?: number
  /** The poll behind the wake-ups; false in tests that call `pass` themselves. */
  readonly poll?: boolean
  /** How often files that changed lately are looked at without a wake-up, and how wake-ups come. */
  readonly tickMs?: number
  readonly wakeUps?: (options: WakeUpsOptions) => WakeUps
}

/**
 * Events of a busy file are gathered this long, and those of one at rest not at all: at 1,000 lines a second this leaves a
 * quarter of the looks.
 */
const GATHER_MS = 4
/** Files that changed lately are looked at this often, unless there are very many of them. */
const TICK_MS = 250
const MOST_ACTIVE_PER_TICK = 1000
/** How often when all are quiet and their events arrive: then the poll is for those events that got lost. */
const QUIET_TICK_MS = 1000
/** Of the quiet files so many get their turn in a second, or twice as many while events are denied. */
const QUIET_PER_SECOND = 500
/** Of the files that could not be opened so many are tried again in a tick, as far as there is room. */
const MOST_OPENED_PER_TICK = 500
/** A look for new files without a wake-up: so often, or less so where there are many directories to look at. */
const DISCOVERY_MS = 1000
const DISCOVERY_MS_PER_DIRECTORY = 5
const MOST_DISCOVERY_MS = 10_000
/** A directory is scanned for rotated generations this often without a wake-up. */
const SCAN_MS = 10_000

export interface Tailer {
  feed(destination: string): Feed
  /** One look at everything; what it finds is offered to the feeds. Tests call it instead of waiting. */
  pass(): Promise<void>
  start(): void
  /** Ends reading and watching; parts already taken may still be settled, and `records()` then shows it. */
  stop(): Promise<void>
  /** Closes the files. */
  close(): void
  records(): readonly GenerationRecord[]
  /** Per source, in the order given. */
  view(): readonly SourceView[]
  readonly openFiles: number
  /** When the last pass ended, ms since the epoch: the sign of life of the tail loop. */
  readonly lastPassAtMs: number
}

export interface SourceView {
  readonly source: SourceConfig
  readonly lineages: readonly Lineage[]
  readonly faults: readonly Fault[]
  /** What the operator should know, though nothing fails. */
  readonly warnings: readonly string[]
}

export function createTailer(options: TailerOptions): Tailer {
  const files = options.files ?? nodeFiles
  const { log, poll = false, tickMs = TICK_MS } = options
  const descriptors = createDescriptors(options.openFilesLimit)
  const listings = createDirectoryListings(files)
  const feeds = new Map(options.destinations.map((name) => [name, createLaneFeed(name)]))
  const roster = createRoster()
  const remembered = createRemembered(options.records, options.expireAfterMs)
  const elsewhere = createElsewhere({ roster, files, onNews: doubt })
  const sources = createSources({
    ...{ files, listings, descriptors, roster, remembered, elsewhere, log, onDoubt: doubt },
    configs: options.sources,
    destinations: options.destinations,
    imports: options.imports ?? new Map(),
    mountPoints: options.mountPoints ?? linuxMountPoints,
    onChange: () => options.onChange(),
    sinceMs: options.sinceMs ?? new Map(),
    startedAtMs: Date.now(),
    finalQuietMs: options.finalQuietMs ?? 5000,
    goneMs: options.goneMs ?? 60_000,
    onAdd: (lineage) => turns.add(lineage),
    onRemove(lineage) {
      turns.remove(lineage)
      active.delete(lineage)
      unopened.delete(lineage)
      doubted.delete(lineage)
      scanAtMs.delete(lineage)
    },
  })
  const turns = createTurns<Lineage>()
  const active = new Set<Lineage>()
  /** Whose file could not be opened. */
  const unopened = new Set<Lineage>()
  const doubted = new Set<Lineage>()
  const scanAtMs = new Map<Lineage, number>()
  let wakeUps: WakeUps | undefined
  let watching: WatchList = { directories: new Set(), awaited: new Set() }
  let timer: NodeJS.Timeout | undefined
  // In the monotonic clock, as the other may be set back.
  let lookAtMs = 0
  let lookedAtMs = 0
  /** A look that an event asks for. */
  let wishedAtMs = Number.POSITIVE_INFINITY
  let tickAtMs = 0
  let passedAtMs = 0
  let running: Promise<void> | undefined
  let again = false
  let stopped = false
  let lastPassAtMs = Date.now()

  function look(nowMs: number): void {
    sources.look(nowMs)
    watching = watchList([...roster.directories(), ...sources.directories()], files)
    wakeUps?.watch(watching.directories)
    const pause = Math.max(DISCOVERY_MS, watching.directories.size * DISCOVERY_MS_PER_DIRECTORY)
    lookedAtMs = performance.now()
    lookAtMs = lookedAtMs + Math.min(pause, MOST_DISCOVERY_MS)
    wishedAtMs = Number.POSITIVE_INFINITY
  }

  function check(lineage: Lineage, nowMs: number): void {
    const clock = performance.now()
    if (!poll || clock >= (scanAtMs.get(lineage) ?? 0)) {
      lineage.scanWanted = true
      scanAtMs.set(lineage, clock + SCAN_MS)
    }
    lineage.check(nowMs)
    roster.update(lineage)
    // Behind the others, so that all get their turn.
    active.delete(lineage)
    if (lineage.isActive(nowMs)) active.add(lineage)
    unopened.delete(lineage)
    if (lineage.error !== undefined) unopened.add(lineage)
    for (const feed of feeds.values()) feed.offer(lineage)
  }

  function passOnce(): void {
    const nowMs = Date.now()
    const clock = performance.now()
    listings.begin(nowMs)
    descriptors.begin()
    if (!poll || clock >= Math.min(wishedAtMs, lookAtMs - TICK_MS / 2)) look(nowMs)
    const due = new Set(doubted)
    doubted.clear()
    if (!poll) for (const lineage of turns.next(turns.size)) due.add(lineage)
    else if (clock >= tickAtMs) {
      for (const lineage of active.values().take(MOST_ACTIVE_PER_TICK)) due.add(lineage)
      const isFull = unopened.size > 0 && descriptors.makeRoom() !== undefined
      for (const lineage of unopened.values().take(isFull ? 0 : MOST_OPENED_PER_TICK)) due.add(lineage)
      const isDenied = wakeUps?.isDenied ?? true
      const pause = active.size + unopened.size > 0 || isDenied ? tickMs : Math.max(tickMs, QUIET_TICK_MS)
      for (const lineage of turns.next((QUIET_PER_SECOND * (isDenied ? 2 : 1) * pause) / 1000)) due.add(lineage)
      tickAtMs = clock + pause
    }
    for (const lineage of due) check(lineage, nowMs)
    if (active.size > 0) tickAtMs = Math.min(tickAtMs, clock + tickMs)
    lastPassAtMs = Date.now()
    passedAtMs = performance.now()
  }

  async function passes(): Promise<void> {
    do {
      again = false
      passOnce()
      if (!poll) for (const lineage of roster.lineages) await lineage.idle()
      await Promise.resolve()
    } while (again && !stopped)
  }

  function pass(): Promise<void> {
    if (running !== undefined) {
      again = true
      return running
    }
    running = passes().finally(() => {
      running = undefined
      schedule()
    })
    return running
  }

  function doubt(lineage: Lineage): void {
    doubted.add(lineage)
    wake()
  }

  /** Wakes whom an event may concern: the file itself, the one it is rotated from, those in a directory, new ones. */
  function onPath(path: string, event: 'change' | 'other'): void {
    const own = [...roster.named(path)]
    for (const lineage of own) doubt(lineage)
    const live = liveNameOf(path)
    for (const lineage of live === undefined ? [] : roster.named(join(dirname(path), live))) {
      lineage.scanWanted = true
      doubt(lineage)
    }
    if (event === 'change') return
    for (const lineage of roster.within(path)) doubt(lineage)
    if (!watching.awaited.has(path) && (own.length > 0 || !sources.concern(path))) return
    wishedAtMs = Math.min(wishedAtMs, lookedAtMs + TICK_MS)
    wake()
  }

  /** Soon, and once for everything that happens until then. */
  let isWaking = false
  function wake(): void {
    if (isWaking || stopped || !poll) return
    isWaking = true
    const rouse = () => {
      isWaking = false
      if (!stopped) void pass()
    }
    const waitMs = passedAtMs + GATHER_MS - performance.now()
    if (waitMs > 0) setTimeout(rouse, waitMs)
    else setImmediate(rouse)
  }

  function schedule(): void {
    clearTimeout(timer)
    if (stopped || !poll) return
    timer = setTimeout(() => void pass(), Math.max(1, Math.min(tickAtMs, wishedAtMs) - performance.now()))
  }

  return {
    feed: (destination) => {
      const feed = feeds.get(destination)
      if (!feed) throw new Error(`no destination is named ${destination}`)
      return feed
    },
    pass,
    start() {
      const create = options.wakeUps ?? createWakeUps
      wakeUps = create({ onPath, log, now: () => performance.now() })
      wakeUps.watch(watching.directories)
      void pass()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      for (const feed of feeds.values()) feed.stop()
      // What it has to finish first may take as long as a dead file system does.
      void wakeUps?.close()
      await running
    },
    close() {
      for (const lineage of roster.lineages) lineage.close()
    },
    records() {
      const nowMs = Date.now()
      const records: GenerationRecord[] = []
      for (const lineage of roster.lineages) {
        for (const generation of lineage.all()) {
          const record = generation.record(nowMs)
          if (generation.place || nowMs - Date.parse(record.seenAt) < options.expireAfterMs) records.push(record)
        }
      }
      for (const record of remembered.all()) records.push(record)
      return records
    },
    view: () => sources.view(),
    get openFiles() {
      return descriptors.open
    },
    get lastPassAtMs() {
      return lastPassAtMs
    },
  }
}
