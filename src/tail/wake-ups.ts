import { basename, dirname, join } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import type { Log } from '../log.ts'

/**
 * File events as wake-ups. They only ever say «look now»: what happened is found out by looking, and a poll looks too,
 * so a lost, late or denied event costs latency and nothing else.
 */
export interface WakeUps {
  /** Watches these directories and no others. */
  watch(directories: ReadonlySet<string>): void
  /** Some directory could not be watched. */
  readonly isDenied: boolean
  close(): Promise<void>
}

export interface WakeUpsOptions {
  /** Something happened at `path`, a name in a watched directory or such a directory. `change`: to its content. */
  onPath(path: string, event: 'change' | 'other'): void
  readonly log: Log
  readonly now: () => number
}

/** What could not be watched is tried again this often. */
const RETRY_MS = 60_000
/** chokidar keeps a record of every path it no longer watches; after so many a new watcher begins without them. */
const MOST_FORGOTTEN = 200

export function createWakeUps({ onPath, log, now }: WakeUpsOptions): WakeUps {
  const watched = new Set<string>()
  const warned = new Set<string>()
  let watcher: FSWatcher | undefined
  let forgotten = 0
  let retryAtMs = Number.POSITIVE_INFINITY

  /**
   * The raw events are used: chokidar looks at a file before it tells of a change, and tells of one in 50 ms at most.
   * Everything but the directories themselves is ignored, so that it neither looks at files nor remembers them. Of a
   * directory that is removed inotify tells as if a file of the same name in it had been: that one is looked at.
   */
  function start(): FSWatcher {
    const created = watch([], {
      backend: 'native',
      depth: 0,
      ignoreInitial: true,
      atomic: false,
      ignored: (path) => !watched.has(path) && basename(path) !== basename(dirname(path)),
    })
    created.on('raw', (event, name, details) => {
      const directory = watchedPath(details)
      if (directory !== undefined) onPath(name === null ? directory : join(directory, name), kindOf(event))
    })
    created.on('all', (_event, path) => onPath(path, 'other'))
    created.on('error', denied)
    return created
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
      const removed = [...watched].filter((directory) => !directories.has(directory))
      const added = [...directories].filter((directory) => !watched.has(directory))
      for (const directory of removed) watched.delete(directory)
      for (const directory of added) watched.add(directory)
      forgotten += removed.length
      if (forgotten > MOST_FORGOTTEN) {
        void watcher?.close()
        watcher = undefined
        forgotten = 0
      }
      const isRetry = now() >= retryAtMs
      if (isRetry) retryAtMs = Number.POSITIVE_INFINITY
      if (watcher && removed.length > 0) watcher.unwatch(removed)
      const wanted = watcher && !isRetry ? added : [...watched]
      if (wanted.length === 0) return
      watcher ??= start()
      watcher.add(wanted)
    },
    get isDenied() {
      return retryAtMs !== Number.POSITIVE_INFINITY
    },
    async close() {
      await watcher?.close()
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
