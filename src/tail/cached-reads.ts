import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fault, type Files } from './files.ts'

/** A read that took longer did not come out of the page cache, whatever its length: 5 MB take 0.5 ms. */
const SLOW_MS = 5
/** So many reads go through the pool before the main thread tries again. */
const POOLED_READS = 16

/**
 * Files that are read on the main thread while the page cache has the bytes: 2 MB take 0.2 ms. A trip through libuv's pool for
 * them takes 0.4 ms, and 1.5 ms behind compressions, while nothing is left to compress. What the disk has to be waited for is
 * read in the pool, where it holds up nobody: the first bytes of every file, and many reads after one that was slow.
 */
export function cachedReads(files: Files, now = () => performance.now()): Files {
  /** Reads that the pool is still to make, by descriptor. */
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
      // Whoever reads on and on, as when rules drop all lines, would let nothing else have its turn.
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
