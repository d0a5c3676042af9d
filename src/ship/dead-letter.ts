import { open, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, syncDirectory } from '../durable-directory.ts'
import { type SystemError, systemError, unlessAbsent } from '../system-error.ts'
import { type DeadLetterEntry, encodeEntry } from './dead-letter-entry.ts'
import { appendToSegment, listSegments, measureSegment, openSegmentName, type Segment } from './dead-letter-segment.ts'

/** Where a destination's undeliverable records wait for an operator. */
export interface DeadLetter {
  /** Resolves with `stored` when the entries are durable. Writes take turns. */
  write(entries: readonly DeadLetterEntry[]): Promise<Written>
  /** Counts again what is there: a replay takes entries away, also one by another process. */
  refresh(): Promise<SystemError | undefined>
  readonly bytes: number
  readonly records: number
}

/** After `full` nothing was written. After `failed` some entries may be there; writing them again may double those. */
export type Written =
  | { readonly kind: 'stored'; readonly bytes: number }
  | { readonly kind: 'full' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

interface DeadLetterOptions {
  /** `<run_path>/dead-letter/<destination>`; created with the first entry. */
  readonly dir: string
  readonly maxBytes: number
  /** A segment of this size takes no more entries. */
  readonly segmentBytes?: number
}

interface CountedSegment extends Segment {
  readonly bytes: number
  readonly records: number
}

/**
 * NDJSON segments that are only ever appended to. One process writes; another may replay at the same time without a
 * lock between them: a replay renames a segment before it reads it, and a writer looks after its fsync whether the
 * segment still has its name. If it has, the rename comes later and the replay reads the entries. If not, they may have
 * come too late to be read, and are written again to the next segment. Entries may double, none gets lost.
 *
 * A crash within a write leaves a last line without its newline. Nobody was told that it is stored: it is cut off when
 * the segments are counted, and readers pass over it.
 */
export async function openDeadLetter(options: DeadLetterOptions): Promise<DeadLetter> {
  const { dir, maxBytes, segmentBytes = 8 * 1024 * 1024 } = options
  let segments: readonly CountedSegment[] | undefined
  let turn: Promise<unknown> = Promise.resolve()

  async function count(): Promise<readonly CountedSegment[]> {
    segments = await countSegments(dir, segments ?? [])
    return segments
  }

  async function store(entries: readonly DeadLetterEntry[]): Promise<Written> {
    const bytes = Buffer.concat(entries.map(encodeEntry))
    if (bytes.length === 0) return { kind: 'stored', bytes: 0 }
    const fits = (known: readonly CountedSegment[]): boolean => total(known, 'bytes') + bytes.length <= maxBytes
    let known = segments ?? (await count())
    if (!fits(known)) known = await count()
    if (!fits(known)) return { kind: 'full' }
    for (;;) {
      const target = chooseSegment(known, segmentBytes)
      if (target.bytes === 0) await createSegment(dir, target.name)
      if (await appendToSegment(join(dir, target.name), bytes, target.bytes)) {
        const grown = { ...target, bytes: target.bytes + bytes.length, records: target.records + entries.length }
        segments = [...known.filter(({ name }) => name !== target.name), grown]
        return { kind: 'stored', bytes: bytes.length }
      }
      known = await count()
    }
  }

  /** However the turn before ended; only who asked for it hears of that. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }

  const refresh = (): Promise<SystemError | undefined> => inTurn(count).then(() => undefined, systemError)
  await refresh()
  return {
    write: (entries) =>
      inTurn(() => store(entries)).catch((error: unknown) => ({ kind: 'failed', ...systemError(error) })),
    refresh,
    get bytes() {
      return total(segments ?? [], 'bytes')
    },
    get records() {
      return total(segments ?? [], 'records')
    },
  }
}

function total(segments: readonly CountedSegment[], of: 'bytes' | 'records'): number {
  return segments.reduce((sum, segment) => sum + segment[of], 0)
}

/** The newest segment while it takes entries, else the one after it. */
function chooseSegment(segments: readonly CountedSegment[], segmentBytes: number): CountedSegment {
  const last = segments.at(-1)
  if (last !== undefined && !last.sealed && last.bytes < segmentBytes) return last
  const sequence = (last?.sequence ?? 0) + 1
  return { name: openSegmentName(sequence), sequence, sealed: false, bytes: 0, records: 0 }
}

async function createSegment(dir: string, name: string): Promise<void> {
  await makeDirectory(dir)
  const handle = await open(join(dir, name), 'a', 0o600)
  await handle.close()
  await syncDirectory(dir)
}

/** Reads only what is not as it was in `known`. */
async function countSegments(dir: string, known: readonly CountedSegment[]): Promise<readonly CountedSegment[]> {
  const before = new Map(known.map((segment) => [segment.name, segment]))
  const counted: CountedSegment[] = []
  for (const segment of await listSegments(dir)) {
    const path = join(dir, segment.name)
    const was = before.get(segment.name)
    const size = (await unlessAbsent(stat(path)))?.size
    const count = size !== undefined && size === was?.bytes ? was : await unlessAbsent(measureSegment(path))
    if (count === undefined) continue
    counted.push({ ...segment, bytes: count.bytes, records: count.records })
    // Nobody but us writes to a segment that is not sealed, and we are not writing now.
    if (!segment.sealed && size !== undefined && size > count.bytes) await unlessAbsent(truncate(path, count.bytes))
  }
  return counted
}
