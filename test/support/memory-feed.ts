import { createLedger } from '../../src/checkpoint/ledger.ts'
import type { Chunk, Feed, Origin, Settlement, Skipped } from '../../src/chunk.ts'
import { createNotifier } from '../../src/notifier.ts'
import { findLine } from '../../src/tail/cursor/long-line.ts'

export const originOf = (path: string, maxLineBytes = 1024 * 1024): Origin => ({
  id: `id-of-${path}`,
  path,
  labels: { service: undefined, source: undefined, tags: [] },
  maxLineBytes,
})

/** An in-memory file as a feed, with the ledger of its only destination. Everything before `from` is settled. */
export function memoryFeed(beginning: Uint8Array, origin: Origin = originOf('/var/log/audit.log'), from = 0) {
  const ledger = createLedger(from, { join: () => 'settled', pass: () => undefined })
  const settlements: Settlement[] = []
  const skips: Skipped[] = []
  const grown = createNotifier()
  let content = beginning
  let lookedAt = from
  const read = async (into: Uint8Array, position: number): Promise<number> => {
    const piece = content.subarray(position, position + into.length)
    into.set(piece)
    return piece.length
  }

  function chunkAt(start: number, length: number): Chunk {
    return {
      origin,
      position: start,
      length,
      readAtMs: 1_763_649_225_420,
      take(bytes, skipped) {
        if (skipped) skips.push(skipped)
        const ticket = ledger.take(start + bytes, 'taken')
        lookedAt = ticket.span.end
        return {
          origin,
          span: ticket.span,
          settle(outcome) {
            settlements.push(outcome)
            ticket.settle()
          },
        }
      },
      leave(rest) {
        lookedAt = rest === 'unread' ? ledger.taken : Math.max(ledger.taken, start + length)
      },
      lineFrom: (offset) => findLine({ front: start, from: start + offset, endsAt: () => true, read }),
    }
  }

  const feed: Feed = {
    async read(room) {
      const start = ledger.taken
      if (lookedAt >= content.length || start >= content.length) return undefined
      const piece = content.subarray(start, start + room.length)
      room.set(piece)
      return chunkAt(start, piece.length)
    },
    ready: async (signal) => {
      if (lookedAt >= content.length) await grown.wait(signal)
    },
  }
  return {
    feed,
    ledger,
    settlements,
    skips,
    append(more: Uint8Array) {
      content = Buffer.concat([content, more])
      grown.notify()
    },
  }
}
