import { type FSWatcher, watch } from 'chokidar'
import type { Log } from '../log.ts'

/**
 * File events as wake-ups. They only ever say «look now»: what happened is found out by looking, and a poll looks too,
 * so a lost, late or denied event costs latency and nothing else.
 */
export interface WakeUps {
  /** Watches these directories and the files in them, and no others. */
  watch(paths: readonly string[]): void
  close(): Promise<void>
}

export function createWakeUps(options: { onPath(path: string, event: 'change' | 'other'): void; log: Log }): WakeUps {
  const { onPath, log } = options
  const watched = new Set<string>()
  let watcher: FSWatcher | undefined

  function start(): FSWatcher {
    const created = watch([], { ignoreInitial: true, depth: 0, persistent: true, atomic: false })
    created.on('all', (event, path) => onPath(path, event === 'change' ? 'change' : 'other'))
    created.on('error', (error) => {
      log.warn(
        { key: 'wake-ups', err: error },
        'file events are not available: changes are found by polling, a little later',
      )
    })
    return created
  }

  return {
    watch(paths) {
      const wanted = new Set(paths)
      const added = paths.filter((path) => !watched.has(path))
      const removed = [...watched].filter((path) => !wanted.has(path))
      for (const path of added) watched.add(path)
      for (const path of removed) watched.delete(path)
      if (added.length > 0) {
        watcher ??= start()
        watcher.add(added)
      }
      if (removed.length > 0) watcher?.unwatch(removed)
    },
    async close() {
      await watcher?.close()
    },
  }
}
