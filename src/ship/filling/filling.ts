import type { Feed } from '../../chunk.ts'
import type { RulesOf } from '../../process/source-rules.ts'
import type { Body } from '../body/body.ts'
import type { Batch, BatchDeadLetter, BatchPart, DeadLettering } from './batch.ts'
import type { ChunkAccount } from './chunk-account.ts'
import { takeLines } from './chunk-lines.ts'

export interface FillLimits {
  readonly maxWaitMs: number
  /**
   * Memory limit for the dead lines of one batch, however short they are. Up to that many bytes may be stored twice if the
   * agent dies before the batch is settled.
   */
  readonly maxDeadBytes: number
  /** Whether a request could be sent at once; while none can, waiting for more lines costs nothing. */
  canSend(): boolean
  /** Resolves when `canSend` may have become true. */
  sendable(signal: AbortSignal): Promise<void>
  readonly rulesOf: RulesOf
  readonly deadLetter: DeadLettering
}

/**
 * Lines skipped by a rule or because they are empty do not fill the body, but each chunk of them is a part: without a limit,
 * parts would accumulate while no request can be sent. A part costs less than 1 KB. The limit is above the default
 * `batch_max_size`, so that a batch of one-line chunks reaches its record limit first.
 */
const MAX_PARTS = 4096

/**
 * Reads lines into `body` until it is full or has `MAX_PARTS` parts, until `maxWaitMs` after its first line, or until
 * `signal` aborts; undefined if there is nothing. The first line starts the clock, so a line is never held longer than that.
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
  let deadRoom = limits.maxDeadBytes
  while (!signal.aborted && parts.length < MAX_PARTS) {
    const room = deadRoom > 0 ? body.room() : undefined
    if (!room) break
    const chunk = await feed.read(room, signal)
    if (!chunk) {
      if (!(await waitForMore({ feed, limits, sealAtMs }, signal))) break
      continue
    }
    const from = body.records
    // Not in a batch yet, so there is no batch id.
    const deadLetter: ChunkAccount['deadLetter'] = (line) => limits.deadLetter([line], '', signal)
    const account: ChunkAccount = { end: 0, skipped: {}, dead: [], deadRoom, deadLetter }
    const rules = limits.rulesOf(chunk.origin)
    const stopped = await takeLines(body, { chunk, room, rules }, account)
    deadRoom = account.deadRoom
    if (account.end > 0) {
      const part = chunk.take(account.end, account.skipped)
      for (const dead of account.dead) deadLetters.push({ ...dead, part: parts.length })
      parts.push({ part, from, to: body.records, readAtMs: chunk.readAtMs })
      sealAtMs ??= performance.now() + limits.maxWaitMs
    }
    // A room filled to the end without a whole line means that the room is too small, not that the line is partial.
    const tight = account.end === 0 && chunk.length >= room.length
    chunk.leave(stopped === 'full' || tight ? 'unread' : 'partial')
    if (stopped === 'full') break
    // Rules may drop so much that the body never fills.
    if (rules && sealAtMs !== undefined && performance.now() >= sealAtMs && limits.canSend()) break
  }
  if (parts.length === 0) return undefined
  const { records, bytes } = body
  body.seal()
  return { body, records, bytes, parts, deadLetters }
}

/** Waits for something to read; false if the batch should be sent as it is. */
async function waitForMore(
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
