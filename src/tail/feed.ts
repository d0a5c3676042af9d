import type { Chunk, Feed } from '../chunk.ts'
import type { Encoding } from '../config/config.ts'
import { createNotifier } from '../notifier.ts'
import { readWithoutMark } from './byte-order-mark.ts'
import type { Cursor } from './cursor/cursor.ts'
import type { ForeignEncoding } from './file/encoding.ts'
import type { Lineage } from './lineage/lineage.ts'
import { createTranscoder } from './transcoding.ts'

/** The feed of one destination: lineages that may have something to read take turns, one read each. */
export interface LaneFeed extends Feed {
  /** Must be called when something may have become readable in `lineage`. */
  offer(lineage: Lineage): void
  /** Stops offering anything. */
  stop(): void
}

export function createLaneFeed(destination: string): LaneFeed {
  const ready = new Set<Lineage>()
  const readable = createNotifier()
  const transcoders = new Map<ForeignEncoding, ReturnType<typeof createTranscoder>>()
  let stopped = false

  function offer(lineage: Lineage): void {
    if (stopped || ready.has(lineage) || !lineage.nextCursor(destination)) return
    ready.add(lineage)
    readable.notify()
  }

  /** The lineage goes to the back of the queue once the taker has left its chunk. */
  function takingTurns(chunk: Chunk, lineage: Lineage): Chunk {
    return {
      ...chunk,
      leave(rest) {
        chunk.leave(rest)
        offer(lineage)
      },
    }
  }

  async function readLines(
    { cursor, encoding, room }: { cursor: Cursor; encoding: Encoding; room: Uint8Array },
    signal?: AbortSignal,
  ): Promise<Chunk | undefined> {
    if (encoding === 'utf-8') {
      const read = (into: Uint8Array) => cursor.read(into, { signal })
      return cursor.position === 0 ? readWithoutMark(room, read) : read(room)
    }
    const transcode = transcoders.get(encoding) ?? createTranscoder(encoding)
    transcoders.set(encoding, transcode)
    return transcode(cursor, room, signal)
  }

  return {
    offer,
    stop() {
      stopped = true
      ready.clear()
    },
    async read(room, signal) {
      for (;;) {
        const next = ready.values().next()
        if (next.done) return undefined
        ready.delete(next.value)
        const cursor: Cursor | undefined = next.value.nextCursor(destination)
        if (!cursor) continue
        const chunk = await readLines({ cursor, encoding: next.value.options.source.encoding, room }, signal)
        if (chunk) return takingTurns(chunk, next.value)
        offer(next.value)
      }
    },
    async ready(signal) {
      if (ready.size === 0) await readable.wait(signal)
    },
  }
}
