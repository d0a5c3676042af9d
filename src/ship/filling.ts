import type { Chunk, Feed } from '../block.ts'
import type { Batch, BatchDeadLetter, BatchPart } from './batch.ts'
import type { Body } from './body/body.ts'
import { type ChunkAccount, count } from './chunk-account.ts'
import { takeOddLine } from './odd-line.ts'

export interface FillLimits {
  readonly maxWaitMs: number
  /** Dead-lettered bytes one batch may carry in memory. */
  readonly maxDeadBytes: number
  /** Whether a request could be sent at once; while none can, waiting for more lines costs nothing. */
  canSend(): boolean
  /** Resolves when `canSend` may have become true. */
  sendable(signal: AbortSignal): Promise<void>
}

/**
 * Reads lines into `body` until it is full, or `maxWaitMs` after its first one, or until `signal` aborts; undefined when
 * there is nothing. The first line starts the clock, so a line is never held longer than that.
 */
export async function fill(
  body: Body,
  feed: Feed,
  limits: FillLimits,
  signal: AbortSignal,
): Promise<Batch | undefined> {
  const parts: BatchPart[] = []
  const deadLetters: BatchDeadLetter[] = []
  let sealAtMs: number | undefined
  let deadBytes = 0
  while (!signal.aborted) {
    const room = deadBytes > limits.maxDeadBytes ? undefined : body.room()
    if (!room) break
    const chunk = await feed.read(room)
    if (!chunk) {
      if (!(await more({ feed, limits, sealAtMs }, signal))) break
      continue
    }
    const from = body.records
    const account: ChunkAccount = { end: 0, skipped: {}, dead: [] }
    const stopped = await takeLines(body, { chunk, room }, account)
    if (account.end > 0) {
      const part = chunk.take(account.end, account.skipped)
      for (const dead of account.dead) {
        deadLetters.push({ ...dead, part: parts.length })
        deadBytes += dead.bytes
      }
      parts.push({ part, from, to: body.records })
      sealAtMs ??= performance.now() + limits.maxWaitMs
    }
    // A room filled to its end without a line says that the room is small, not that the line is partial.
    const tight = account.end === 0 && chunk.length >= room.length
    chunk.leave(stopped === 'full' || tight ? 'unread' : 'partial')
    if (stopped === 'full') break
  }
  if (parts.length === 0) return undefined
  const { records, bytes } = body
  body.seal()
  return { body, records, bytes, parts, deadLetters }
}

/** Waits for something to read; false when the batch should go as it is. */
async function more(
  { feed, limits, sealAtMs }: { feed: Feed; limits: FillLimits; sealAtMs: number | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  if (sealAtMs === undefined) {
    await feed.ready(signal)
    return true
  }
  const waitMs = sealAtMs - performance.now()
  if (waitMs <= 0 && limits.canSend()) return false
  const waiting = new AbortController()
  const either = AbortSignal.any([signal, waiting.signal])
  const timer = waitMs > 0 ? setTimeout(() => waiting.abort(), waitMs) : undefined
  try {
    await Promise.race([feed.ready(either), ...(waitMs > 0 ? [] : [limits.sendable(either)])])
  } finally {
    clearTimeout(timer)
    waiting.abort()
  }
  return true
}

/** Encodes what it can of a chunk and deals with each odd line on the way. */
async function takeLines(
  body: Body,
  { chunk, room }: { chunk: Chunk; room: Uint8Array },
  account: ChunkAccount,
): Promise<'full' | 'partial'> {
  for (;;) {
    if (account.end >= chunk.length) return 'partial'
    const taken = body.append({ ...chunk, from: account.end })
    account.end = taken.end
    if (taken.emptyLineBytes > 0) count(account, 'empty-line', taken.emptyLineBytes)
    if (taken.stopped.kind !== 'odd') return taken.stopped.kind
    const after = await takeOddLine(body, { chunk, room, line: taken.stopped.line }, account)
    if (after !== 'taken') return after
  }
}
