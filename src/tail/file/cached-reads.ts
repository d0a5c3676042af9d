import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fault, type Files } from './files.ts'

/** A slower read did not come from the page cache, whatever its length: 5 MB take 0.5 ms. */
const SLOW_MS = 5
/** Reads made in the pool after a slow or failed one, before the main thread tries again. */
const POOLED_READS = 16

/**
 * Reads files on the main thread while the page cache has the bytes: 2 MB take 0.2 ms. Through libuv's pool they take
 * 0.4 ms, or 1.5 ms queued behind compressions, and meanwhile there is nothing left to compress. Reads that wait for the
 * disk are made in the pool, where they block nothing else: the first read of every file, and many after a slow one.
 */
export function cachedReads(files: Files, now = () => performance.now()): Files {
  /** Reads still to be made in the pool, by descriptor. */
  const pooled = new Map<number, number>()
  return {
    ...files,
    open(path) {
      const fd = files.open(path)
      if (!(fd instanceof Fault)) pooled.set(fd, 1)
      return fd
    },
    async read(fd, into, position) {
      const left = pooled.get(fd) ?? 0
      if (left > 0) {
        pooled.set(fd, left - 1)
        return files.read(fd, into, position)
      }
      // A taker that reads without pause, as when rules drop all lines, would starve the event loop.
      await nextTurn()
      const startedAtMs = now()
      const count = files.readSync(fd, into, position)
      if (count instanceof Fault || now() - startedAtMs > SLOW_MS) pooled.set(fd, POOLED_READS)
      return count
    },
    close(fd) {
      pooled.delete(fd)
      files.close(fd)
    },
  }
}
