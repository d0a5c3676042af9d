import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, syncDirectory } from '../../system/durable-directory.ts'
import { attempt, type SystemError, systemError } from '../../system/system-error.ts'
import { type CountedSegment, countSegments, total } from './count.ts'
import { type DeadLetterEntry, encodeEntry } from './entry.ts'
import { encodePortion, type Portion } from './portion.ts'
import { appendToSegment, openSegmentName } from './segment.ts'

/** Where a destination's undeliverable records wait for an operator. */
export interface DeadLetter {
  /** Resolves with `stored` once the entries are durable, in order. Writes are serialised. */
  write(entries: readonly DeadLetterEntry[]): Promise<WriteResult>
  /** Recounts the entries, because a replay, possibly in another process, removes some. */
  refresh(): Promise<SystemError | undefined>
  readonly bytes: number
  readonly records: number
}

/**
 * If not all entries are stored, the first `stored` ones are durable and should not be written again. `full`: there is no
 * room for the next one. `too-large`: the next one alone, of `bytes`, exceeds the limit. `failed`: some of the others may be
 * stored, too, so that writing them again may duplicate up to 1 MiB of them.
 */
export type WriteResult =
  | { readonly kind: 'stored' }
  | { readonly kind: 'full'; readonly stored: number }
  | { readonly kind: 'too-large'; readonly stored: number; readonly bytes: number }
  | { readonly kind: 'failed'; readonly stored: number; readonly code: string; readonly message: string }

/** How much is encoded and written at a time. */
const PORTION_BYTES = 1024 * 1024

interface DeadLetterOptions {
  /** `<run_path>/dead-letter/<destination>`; created with the first entry. */
  readonly dir: string
  readonly maxBytes: number
  /** A segment of this size accepts no more entries. */
  readonly segmentBytes?: number
}

/**
 * Opens a dead letter of append-only NDJSON segments. One process writes while another may replay, without a lock between
 * them: the replay renames a segment before reading it, and the writer checks after its fsync whether the segment still has
 * its name. If so, the rename comes later, and the replay reads the entries. If not, the replay may have missed them, and they
 * are written again to the next segment. Entries may be duplicated, but none is lost.
 *
 * A crash during a write leaves a last line without a newline, which was never reported as stored. Readers skip it, and
 * counting the segments cuts it off.
 */
export async function openDeadLetter(options: DeadLetterOptions): Promise<DeadLetter> {
  const { dir, maxBytes, segmentBytes = 8 * 1024 * 1024 } = options
  let segments: readonly CountedSegment[] | undefined
  let turn: Promise<unknown> = Promise.resolve()

  async function count(): Promise<readonly CountedSegment[]> {
    segments = await countSegments(dir, segments ?? [])
    return segments
  }

  async function store(entries: readonly DeadLetterEntry[]): Promise<WriteResult> {
    let stored = 0
    try {
      while (stored < entries.length) {
        const rest = entries.slice(stored)
        const portion = await nextPortion(rest)
        if (portion === undefined) return { ...refusal(rest), stored }
        await append(portion)
        stored += portion.entries
      }
      return { kind: 'stored' }
    } catch (error) {
      return { kind: 'failed', stored, ...systemError(error) }
    }
  }

  async function nextPortion(entries: readonly DeadLetterEntry[]): Promise<Portion | undefined> {
    const maxPortionBytes = Math.min(PORTION_BYTES, segmentBytes)
    const fitting = (known: readonly CountedSegment[]): Portion | undefined =>
      encodePortion(entries, { roomBytes: maxBytes - total(known, 'bytes'), maxBytes: maxPortionBytes })
    return fitting(segments ?? (await count())) ?? fitting(await count())
  }

  function refusal([next]: readonly DeadLetterEntry[]) {
    const bytes = next === undefined ? 0 : encodeEntry(next).length
    return bytes > maxBytes ? ({ kind: 'too-large', bytes } as const) : ({ kind: 'full' } as const)
  }

  async function append({ bytes, entries }: Portion): Promise<void> {
    for (let known = segments ?? (await count()); ; known = await count()) {
      const target = chooseSegment(known, segmentBytes)
      if (target.bytes === 0) await createSegment(dir, target.name)
      if (!(await appendToSegment(join(dir, target.name), bytes, target.bytes))) continue
      const grown = { ...target, bytes: target.bytes + bytes.length, records: target.records + entries }
      segments = [...known.filter(({ name }) => name !== target.name), grown]
      return
    }
  }

  /** Runs `work` after the previous turn, even if that failed: only its own caller learns of that. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }

  const refresh = () => attempt(inTurn(count))
  await refresh()
  return {
    write: (entries) => inTurn(() => store(entries)),
    refresh,
    get bytes() {
      return total(segments ?? [], 'bytes')
    },
    get records() {
      return total(segments ?? [], 'records')
    },
  }
}

/** Returns the newest segment if it accepts entries, else the one after it. */
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
