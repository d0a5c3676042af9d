import { randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import split2 from 'split2'
import { unlessAbsent } from '../../system/system-error.ts'

/** A file of a dead letter directory. */
export interface Segment {
  readonly name: string
  readonly sequence: number
  /** Whether a replay has claimed it: no writer may append to it. */
  readonly sealed: boolean
}

const segmentName = /^(\d{8,})(\.sealed-[0-9a-f]+)?\.ndjson$/

export function openSegmentName(sequence: number): string {
  return `${String(sequence).padStart(8, '0')}.ndjson`
}

/** Returns a unique name: while a replay runs, a writer may reuse a sequence number. */
export function sealedSegmentName(sequence: number): string {
  return `${String(sequence).padStart(8, '0')}.sealed-${randomBytes(6).toString('hex')}.ndjson`
}

/** Lists the segments, oldest first; none if the directory does not exist. */
export async function listSegments(dir: string): Promise<readonly Segment[]> {
  const names = (await unlessAbsent(readdir(dir))) ?? []
  return names
    .map((name) => segmentName.exec(name))
    .filter((match) => match !== null)
    .map(([name, digits, sealed]) => ({ name, sequence: Number(digits), sealed: sealed !== undefined }))
    .sort((a, b) => a.sequence - b.sequence || Number(b.sealed) - Number(a.sealed))
}

/** Returns the size of a segment's complete lines. */
export async function measureSegment(path: string): Promise<{ readonly bytes: number; readonly records: number }> {
  let bytes = 0
  let records = 0
  for await (const line of completeLines(path)) {
    bytes += line.length + 1
    records += 1
  }
  return { bytes, records }
}

/**
 * Yields the newline-terminated lines of a segment, without the newline. They are decoded as latin1, so that lengths are bytes
 * and damaged bytes come through unchanged. Skips what follows the last newline: a crash left it during a write that was never
 * reported as stored.
 */
export async function* completeLines(path: string): AsyncGenerator<string, void, undefined> {
  // Reads large chunks, because split2 rescans a line for each chunk that it spans.
  const file = createReadStream(path, { encoding: 'latin1', highWaterMark: 1024 * 1024 })
  // The loop receives the errors of both streams; pipeline merely requires a callback.
  const lines: AsyncIterable<string> = pipeline(file, split2('\n', { decodeStrings: false }), () => {})
  let held: string | undefined
  let bytes = 0
  for await (const line of lines) {
    if (held !== undefined) yield held
    held = line
    bytes += line.length + 1
  }
  // split2 does not distinguish a last line with a newline from one without.
  if (held !== undefined && bytes <= file.bytesRead) yield held
}

/**
 * Appends durably to a segment of `size` bytes. False if the file is missing or has another size, or if its name no longer
 * refers to it after the write, because a replay may have read it before that.
 */
export async function appendToSegment(path: string, bytes: Uint8Array, size: number): Promise<boolean> {
  const handle = await unlessAbsent(open(path, constants.O_WRONLY | constants.O_APPEND))
  if (handle === undefined) return false
  try {
    const file = await handle.stat()
    if (file.size !== size) return false
    await appendOrNothing(handle, bytes, size)
    return (await unlessAbsent(stat(path)))?.ino === file.ino
  } finally {
    await handle.close()
  }
}

async function appendOrNothing(handle: FileHandle, bytes: Uint8Array, size: number): Promise<void> {
  try {
    await handle.appendFile(bytes)
    await handle.sync()
  } catch (error) {
    // Frees the space on a full disk. If that fails, too, whole lines will be duplicated, which is allowed.
    await handle.truncate(size).catch(() => undefined)
    throw error
  }
}
