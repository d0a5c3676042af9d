import { basename, dirname, join } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import type { Log } from '../../log.ts'

/**
 * File events as wake-ups. They only ever mean "look now": looking finds out what happened, and a poll looks, too, so a
 * lost, late or denied event only costs latency.
 */
export interface WakeUps {
  /** Watches these directories and no others. */
  watch(directories: ReadonlySet<string>): void
  /** Whether some directory is not watched: not yet, or because of an error. */
  readonly isIncomplete: boolean
  close(): Promise<void>
}

export interface WakeUpsOptions {
  /** Something happened at `path`, an entry of a watched directory or the directory itself. `change`: to its content. */
  onPath(path: string, event: 'change' | 'other'): void
  readonly log: Log
  readonly now: () => number
}

/** Directories that could not be watched are retried this often. */
const RETRY_MS = 60_000

/**
 * The most directories that one watcher is ever given. chokidar compares every event with each path it no longer watches,
 * at 5 µs a path, and libuv reads events until there are none before anything else runs. A watcher for each directory would
 * take 10 KB each.
 */
const GROUP_SIZE = 32

/**
 * How many directories are added at a time, every `STEP_MS`: chokidar processes all it is given concurrently, which for a
 * thousand directories takes 15 MB and a quarter of a CPU second.
 */
const STEP_SIZE = 32
const STEP_MS = 100

interface Group {
  readonly watcher: FSWatcher
  readonly members: Set<string>
  /** How many more directories it takes. */
  room: number
}

export function createWakeUps({ onPath, log, now }: WakeUpsOptions): WakeUps {
  const groups = new Map<string, Group>()
  /** The group that new directories are added to. */
  let open: Group | undefined
  /** Directories that are to be watched but are not yet. */
  const waiting = new Set<string>()
  let nextStep: NodeJS.Timeout | undefined
  const warned = new Set<string>()
  let retryAtMs = Number.POSITIVE_INFINITY

  /**
   * Uses the raw events: chokidar stats a file before it reports a change, and reports at most one per 50 ms. Everything
   * but the directories themselves is ignored, so that it neither stats files nor remembers them. inotify reports the
   * removal of a directory like that of a file of the same name in it, so such a file is not ignored.
   */
  function start(): Group {
    const members = new Set<string>()
    const watcher = watch([], {
      backend: 'native',
      depth: 0,
      ignoreInitial: true,
      atomic: false,
      ignored: (path) => !members.has(path) && basename(path) !== basename(dirname(path)),
    })
    watcher.on('raw', (event, name, details) => {
      const directory = watchedPath(details)
      if (directory !== undefined) onPath(name === null ? directory : join(directory, name), kindOf(event))
    })
    watcher.on('all', (_event, path) => onPath(path, 'other'))
    watcher.on('error', denied)
    return { watcher, members, room: GROUP_SIZE }
  }

  function add(directory: string): void {
    if (!open || open.room === 0) open = start()
    open.room -= 1
    open.members.add(directory)
    groups.set(directory, open)
    open.watcher.add(directory)
  }

  function step(): void {
    for (const directory of waiting.values().take(STEP_SIZE)) {
      waiting.delete(directory)
      add(directory)
    }
    nextStep = waiting.size > 0 ? setTimeout(step, STEP_MS) : undefined
  }

  function remove(directory: string, { watcher, members }: Group): void {
    groups.delete(directory)
    members.delete(directory)
    if (members.size > 0) watcher.unwatch(directory)
    else void watcher.close()
    if (open?.members.size === 0) open = undefined
  }

  function denied(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (retryAtMs === Number.POSITIVE_INFINITY) retryAtMs = now() + RETRY_MS
    if (warned.has(code)) return
    warned.add(code)
    log.warn({ code, err: error }, 'some file events are not available: changes are found by polling, a little later')
  }

  return {
    watch(directories) {
      for (const [directory, group] of groups) if (!directories.has(directory)) remove(directory, group)
      for (const directory of waiting) if (!directories.has(directory)) waiting.delete(directory)
      for (const directory of directories) if (!groups.has(directory)) waiting.add(directory)
      if (nextStep === undefined) step()
      if (now() < retryAtMs) return
      retryAtMs = Number.POSITIVE_INFINITY
      for (const [directory, { watcher }] of groups) watcher.add(directory)
    },
    get isIncomplete() {
      return waiting.size > 0 || retryAtMs !== Number.POSITIVE_INFINITY
    },
    async close() {
      clearTimeout(nextStep)
      await Promise.all(new Set(groups.values()).values().map(({ watcher }) => watcher.close()))
    },
  }
}

function kindOf(event: string): 'change' | 'other' {
  return event === 'change' ? 'change' : 'other'
}

function watchedPath(details: unknown): string | undefined {
  const isNamed = typeof details === 'object' && details !== null && 'watchedPath' in details
  return isNamed && typeof details.watchedPath === 'string' ? details.watchedPath : undefined
}
