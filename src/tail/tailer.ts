import { dirname } from 'node:path'
import type { Feed } from '../block.ts'
import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { SourceConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import { createDescriptors } from './descriptors.ts'
import { createDirectoryListings } from './directory-listings.ts'
import { discover } from './discovery.ts'
import { createLaneFeed } from './feed.ts'
import { Fault, type Files, nodeFiles } from './files.ts'
import { Lineage } from './lineage.ts'
import { liveNameOf } from './rotated-name.ts'
import { createWakeUps, type WakeUps } from './wake-ups.ts'

export interface TailerOptions {
  readonly sources: readonly SourceConfig[]
  /** The names of the destinations: each gets a feed and a position of its own in every file. */
  readonly destinations: readonly string[]
  readonly records: readonly GenerationRecord[]
  readonly openFilesLimit: number
  /** State of a file that is gone is dropped after this long. */
  readonly expireAfterMs: number
  /** `records()` would say something new. */
  onChange(): void
  readonly log: Log
  readonly files?: Files
  readonly finalQuietMs?: number
  /** The poll behind the wake-ups; false in tests that call `pass` themselves. */
  readonly poll?: boolean
}

const ACTIVE_POLL_MS = 250
const QUIET_POLL_MS = 1000
const DISCOVERY_MS = 5000
/** A directory is listed again this often without a wake-up, for generations that appeared unseen. */
const SIBLING_SCAN_MS = 10_000

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
}

interface Found {
  readonly source: SourceConfig
  readonly lineages: Map<string, Lineage>
  faults: readonly Fault[]
  directories: readonly string[]
}

export function createTailer(options: TailerOptions): Tailer {
  const files = options.files ?? nodeFiles
  const descriptors = createDescriptors(options.openFilesLimit)
  const listings = createDirectoryListings(files)
  const startedAtMs = Date.now()
  const feeds = new Map(options.destinations.map((name) => [name, createLaneFeed(name)]))
  const found: Found[] = options.sources.map((source) => ({ source, lineages: new Map(), faults: [], directories: [] }))
  const recordsByPath = Map.groupBy(options.records, (record) => record.path)
  const owners = new Map<string, Lineage>()
  const doubted = new Set<Lineage>()
  const dueAtMs = new Map<Lineage, number>()
  let wakeUps: WakeUps | undefined
  let timer: NodeJS.Timeout | undefined
  let discoverAtMs = 0
  let scanAtMs = 0
  let running: Promise<void> | undefined
  let again = false
  let stopped = false
  let lastPassAtMs = startedAtMs
  let isInitial = true

  function addLineage(path: string, { source, lineages }: Found): void {
    const real = files.realpath(path)
    const key = real instanceof Fault ? path : real
    if (owners.has(path) || owners.has(key)) return
    const lineage: Lineage = new Lineage({
      path,
      source,
      files,
      listings,
      log: options.log,
      records: recordsByPath.get(path) ?? [],
      startedAtMs,
      isInitial,
      finalQuietMs: options.finalQuietMs ?? 5000,
      context: {
        files,
        descriptors,
        labels: source.labels,
        maxLineBytes: source.maxLineBytes,
        destinations: options.destinations,
        onChange: () => options.onChange(),
        onDoubt: () => doubt(lineage),
      },
    })
    recordsByPath.delete(path)
    owners.set(path, lineage)
    owners.set(key, lineage)
    lineages.set(path, lineage)
  }

  function look(nowMs: number): void {
    for (const entry of found) {
      const { paths, directories, faults } = discover(entry.source, files)
      entry.faults = faults
      entry.directories = directories
      for (const path of paths) if (!entry.lineages.has(path)) addLineage(path, entry)
    }
    isInitial = false
    discoverAtMs = nowMs + DISCOVERY_MS
    wakeUps?.watch(watchedDirectories(found))
  }

  function passOnce(): void {
    const nowMs = Date.now()
    listings.begin()
    if (nowMs >= discoverAtMs || !options.poll) look(nowMs)
    const scanAll = nowMs >= scanAtMs || !options.poll
    if (scanAll) scanAtMs = nowMs + SIBLING_SCAN_MS
    for (const { lineages } of found) {
      for (const lineage of lineages.values()) {
        if (scanAll) lineage.scanWanted = true
        const isDue = !options.poll || scanAll || doubted.delete(lineage) || (dueAtMs.get(lineage) ?? 0) <= nowMs
        if (!isDue) continue
        lineage.check(nowMs)
        dueAtMs.set(lineage, nowMs + (lineage.isActive(nowMs) ? ACTIVE_POLL_MS : QUIET_POLL_MS))
        for (const feed of feeds.values()) feed.offer(lineage)
      }
    }
    lastPassAtMs = Date.now()
  }

  async function passes(): Promise<void> {
    do {
      again = false
      passOnce()
      if (!options.poll) for (const { lineages } of found) for (const lineage of lineages.values()) await lineage.idle()
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

  /** Something else changed in a watched directory: a rotated file, or one that no pattern has matched yet. */
  function doubtSiblings(path: string, event: 'change' | 'other'): boolean {
    const live = liveNameOf(path)
    if (event === 'change' && live === undefined) return false
    if (event !== 'change') discoverAtMs = 0
    for (const lineage of new Set(owners.values())) {
      if (lineage.base.directory !== dirname(path) || (event === 'change' && lineage.base.name !== live)) continue
      lineage.scanWanted = true
      doubted.add(lineage)
    }
    return true
  }

  /** Soon, and once for everything that happens until then. */
  let wakeScheduled = false
  function wake(): void {
    if (wakeScheduled || stopped || !options.poll) return
    wakeScheduled = true
    setImmediate(() => {
      wakeScheduled = false
      if (!stopped) void pass()
    })
  }

  function schedule(): void {
    clearTimeout(timer)
    if (stopped || !options.poll) return
    const next = Math.min(discoverAtMs, ...dueAtMs.values())
    timer = setTimeout(() => void pass(), Math.max(5, next - Date.now()))
  }

  return {
    feed: (destination) => {
      const feed = feeds.get(destination)
      if (!feed) throw new Error(`no destination is named ${destination}`)
      return feed
    },
    pass,
    start() {
      wakeUps = createWakeUps({
        log: options.log,
        onPath(path, event) {
          const lineage = owners.get(path)
          if (lineage) doubted.add(lineage)
          else if (!doubtSiblings(path, event)) return
          wake()
        },
      })
      void pass()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      for (const feed of feeds.values()) feed.stop()
      await wakeUps?.close()
      await running
    },
    close() {
      for (const lineage of new Set(owners.values())) lineage.close()
    },
    records: () => collectRecords(found, recordsByPath, options.expireAfterMs),
    view: () => found.map(({ source, lineages, faults }) => ({ source, lineages: [...lineages.values()], faults })),
    get openFiles() {
      return descriptors.open
    },
    get lastPassAtMs() {
      return lastPassAtMs
    },
  }
}

function watchedDirectories(found: readonly Found[]): string[] {
  const directories = new Set<string>()
  for (const { lineages, directories: globbed } of found) {
    for (const directory of globbed) directories.add(directory)
    for (const lineage of lineages.values()) {
      directories.add(dirname(lineage.options.path))
      directories.add(lineage.base.directory)
    }
  }
  return [...directories]
}

/** Also of files that no source means any more, until they expire: a source may come back. */
function collectRecords(
  found: readonly Found[],
  unclaimed: ReadonlyMap<string, readonly GenerationRecord[]>,
  expireAfterMs: number,
): readonly GenerationRecord[] {
  const nowMs = Date.now()
  const records: GenerationRecord[] = []
  for (const { lineages } of found) {
    for (const { reading, done, homeless } of lineages.values()) {
      for (const generation of [...done, ...reading, ...homeless]) records.push(generation.record(nowMs))
    }
  }
  for (const list of unclaimed.values()) records.push(...list)
  return records.filter((record) => nowMs - Date.parse(record.seenAt) < expireAfterMs)
}
