import { createWriteStream } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { syncDirectory } from '../../system/durable-directory.ts'
import { type SystemError, systemError, unlessAbsent } from '../../system/system-error.ts'
import { type DeadLetterEntry, decodeEntry } from './entry.ts'
import { completeLines, listSegments, type Segment, sealedSegmentName } from './segment.ts'

export interface ReplayOptions {
  /** `<run_path>/dead-letter/<destination>`. */
  readonly dir: string
  /**
   * Delivers all of the entries, none, or those at the returned indices; the others stay. Must not reject, whatever the network
   * or the server does.
   */
  send(entries: readonly DeadLetterEntry[]): Promise<'delivered' | 'keep' | ReadonlySet<number>>
  /** Limits of one `send`, which gets at least one entry. */
  readonly batchRecords?: number
  readonly batchBytes?: number
}

export interface Replayed {
  readonly delivered: number
  /** Sent but not delivered; they stay. */
  readonly kept: number
  /** Lines that are damaged or of another format; they stay, too. */
  readonly unreadable: number
  /** The system error that ended the replay. */
  readonly fault: SystemError | undefined
}

/**
 * Sends every entry, oldest first, and removes those that are delivered. A writer may add entries meanwhile, but only one
 * replay may run at a time.
 *
 * Delivery is at least once: when a segment has been processed, or the signal stops the replay, a new file with the entries
 * that are left replaces the segment. If a replay is killed before that, the next one sends the delivered entries again.
 */
export async function replayDeadLetter(options: ReplayOptions, signal: AbortSignal): Promise<Replayed> {
  const { dir } = options
  const tally = { delivered: 0, kept: 0, unreadable: 0 }
  try {
    await removeLeftovers(dir)
    for (const segment of await listSegments(dir)) {
      if (signal.aborted) break
      await replaySegment(await seal(dir, segment), { ...options, tally }, signal)
      await syncDirectory(dir)
    }
    return { ...tally, fault: undefined }
  } catch (error) {
    return { ...tally, fault: systemError(error) }
  }
}

interface SegmentOptions extends ReplayOptions {
  readonly tally: { delivered: number; kept: number; unreadable: number }
}

async function replaySegment(path: string, options: SegmentOptions, signal: AbortSignal): Promise<void> {
  const { send, tally, batchRecords = 500, batchBytes = 1024 * 1024 } = options
  const delivered = new Set<number>()
  let lines = 0
  let batch: { readonly entry: DeadLetterEntry; readonly line: number }[] = []
  let bytes = 0

  async function sendBatch(): Promise<void> {
    if (batch.length === 0 || signal.aborted) return
    const answer = await send(batch.map(({ entry }) => entry))
    for (const [index, { line }] of batch.entries()) {
      const isDelivered = answer === 'delivered' || (answer !== 'keep' && answer.has(index))
      tally[isDelivered ? 'delivered' : 'kept'] += 1
      if (isDelivered) delivered.add(line)
    }
    batch = []
    bytes = 0
  }

  for await (const text of completeLines(path)) {
    if (bytes + text.length > batchBytes) await sendBatch()
    if (signal.aborted) break
    const entry = decodeEntry(Buffer.from(text, 'latin1').toString())
    if (entry === undefined) tally.unreadable += 1
    else batch.push({ entry, line: lines })
    lines += 1
    bytes += text.length
    if (batch.length >= batchRecords) await sendBatch()
  }
  await sendBatch()
  if (!signal.aborted && delivered.size === lines) await rm(path)
  else if (delivered.size > 0) await removeLines(path, delivered)
}

/** Renames a segment, so that its writer appends to it no more; see dead-letter.ts. */
async function seal(dir: string, { name, sequence, sealed }: Segment): Promise<string> {
  if (sealed) return join(dir, name)
  const path = join(dir, sealedSegmentName(sequence))
  await rename(join(dir, name), path)
  return path
}

async function removeLines(path: string, removed: ReadonlySet<number>): Promise<void> {
  await pipeline(remainingLines(path, removed), createWriteStream(`${path}${temporary}`, { mode: 0o600, flush: true }))
  await rename(`${path}${temporary}`, path)
}

async function* remainingLines(path: string, removed: ReadonlySet<number>): AsyncGenerator<Buffer, void, undefined> {
  let line = 0
  for await (const text of completeLines(path)) {
    if (!removed.has(line)) yield Buffer.from(`${text}\n`, 'latin1')
    line += 1
  }
}

const temporary = '.tmp'

/** Removes what a killed replay was writing. */
async function removeLeftovers(dir: string): Promise<void> {
  const names = (await unlessAbsent(readdir(dir))) ?? []
  for (const name of names.filter((name) => name.endsWith(temporary))) await rm(join(dir, name))
}
