import type { DestinationType } from '../config/config.ts'
import { countOf } from './format.ts'
import type { AcceptedRequest, Received } from './received.ts'
import type { Written } from './writer.ts'

/** What `demo --json` prints: fields are added, never renamed or removed, within a version. */
export interface Scorecard {
  readonly schema: 'tailship.demo/v1'
  readonly verdict: 'PASS' | 'FAIL'
  /** Why it failed; empty when it passed. */
  readonly failures: readonly string[]
  readonly seed: number
  readonly destination: DestinationType
  readonly durationMs: number
  readonly written: { readonly events: number; readonly bytes: number }
  /** Written events that arrived at least once: with `missing` they make up `written`. */
  readonly delivered: { readonly events: number; readonly bytes: number }
  readonly missing: number
  readonly duplicates: Duplicates
  /** Events cut off by the writer's death, and the number of incomplete records that begin like them. */
  readonly torn: { readonly events: number; readonly fragmentsReceived: number }
  /** Events that arrived with bytes other than those written, or in parts. */
  readonly corrupted: number
  /** Events that arrived but were never written. */
  readonly unknown: number
  readonly batches: { readonly accepted: number; readonly throttled: number; readonly resentChanged: number }
  readonly refusals: Readonly<Record<string, number>>
  readonly rotations: number
  readonly retries: number
  readonly highestLag: { readonly events: number; readonly bytes: number; readonly ms: number }
  readonly peakMemoryBytes: number
  readonly throughput: { readonly eventsPerSecond: number; readonly bytesPerSecond: number }
  /** `exitCode` is null if a signal ended it. */
  readonly agent: { readonly exitCode: number | null; readonly kills: number; readonly deadLetteredRecords: number }
}

/** Repeated arrivals of events, by what makes them legitimate. */
interface Duplicates {
  readonly total: number
  /** The agent was killed, perhaps before it stored that the earlier arrival was acknowledged. */
  readonly afterKill: number
  /** The same batch again, because the reply was lost on purpose. */
  readonly afterLostReply: number
  /** The same batch again, because the connection ended before the reply. */
  readonly afterCutConnection: number
  /** Unexplained. */
  readonly unexplained: number
}

export interface Evidence {
  readonly seed: number
  readonly destination: DestinationType
  readonly durationMs: number
  readonly written: Written
  readonly received: Received
  readonly kills: readonly Kill[]
  readonly measured: Pick<Scorecard, 'retries' | 'highestLag' | 'peakMemoryBytes' | 'throughput'>
  readonly agent: Omit<Scorecard['agent'], 'kills'>
  /** Failures that the counts do not show. */
  readonly problems: readonly string[]
}

/** Times are on the clock of `Received`. What a killed agent sent may still arrive until the next one is started. */
export interface Kill {
  /** When the positions on disk were written, perhaps long ago if the disk is slow; undefined if there are none. */
  readonly storedAtMs: number | undefined
  readonly restartedAtMs: number
}

/**
 * Positions never pass an older batch still in flight, so a batch acknowledged this shortly before they were stored may be
 * sent again.
 */
const UNSTORED_MS = 5000

export function judge(evidence: Evidence): Scorecard {
  const { written, received } = evidence
  const torn = new Set(written.torn.map(({ identity }) => identity))
  const known = [...received.arrivals].filter(([identity]) => written.lines.has(identity))
  const altered = known.filter(([identity, arrivals]) =>
    arrivals.some(({ crc32 }) => crc32 !== written.lines.get(identity)),
  )
  const fragments = received.unreadable.filter((identity) => identity !== undefined && torn.has(identity)).length
  const counts = {
    missing: written.lines.size - known.length,
    duplicates: countDuplicates(received, evidence.kills),
    corrupted: altered.length + received.unreadable.length - fragments,
    unknown: received.arrivals.size - known.length,
    batches: {
      accepted: received.requests.length,
      throttled: received.throttled,
      resentChanged: countChanged(received.requests),
    },
    refusals: Object.fromEntries(received.refusals),
  }
  const failures = [...faultsOf(counts), ...evidence.problems]
  return {
    schema: 'tailship.demo/v1',
    verdict: failures.length === 0 ? 'PASS' : 'FAIL',
    failures,
    seed: evidence.seed,
    destination: evidence.destination,
    durationMs: evidence.durationMs,
    written: { events: written.lines.size, bytes: written.bytes },
    delivered: { events: known.length, bytes: received.bytes },
    ...counts,
    torn: { events: torn.size, fragmentsReceived: fragments },
    rotations: written.rotations,
    ...evidence.measured,
    agent: { ...evidence.agent, kills: evidence.kills.length },
  }
}

type Counts = Pick<Scorecard, 'missing' | 'duplicates' | 'corrupted' | 'unknown' | 'batches' | 'refusals'>

function faultsOf({ missing, duplicates, corrupted, unknown, batches, refusals }: Counts): string[] {
  const faults = [
    [missing, 'event', 'did not arrive'],
    [duplicates.unexplained, 'duplicate', 'unexplained'],
    [corrupted, 'record', 'corrupted'],
    [unknown, 'event', 'arrived but never written'],
    [batches.resentChanged, 'batch', 'sent again under the same id with different bytes'],
    ...Object.entries(refusals).map(([reason, count]) => [count, 'request', `refused: ${reason}`] as const),
  ] as const
  return faults
    .filter(([count]) => count > 0)
    .map(([count, noun, verdict]) => `${countOf(count, noun, noun === 'batch' ? 'batches' : undefined)} ${verdict}`)
}

function countDuplicates({ arrivals, requests }: Received, kills: readonly Kill[]): Duplicates {
  const counts = { total: 0, afterKill: 0, afterLostReply: 0, afterCutConnection: 0, unexplained: 0 }
  for (const sequence of arrivals.values()) {
    for (let index = 1; index < sequence.length; index++) {
      const earlier = requests[sequence[index - 1]?.request ?? -1]
      const later = requests[sequence[index]?.request ?? -1]
      counts.total++
      counts[explain(earlier, later, kills)]++
    }
  }
  return counts
}

function explain(
  earlier: AcceptedRequest | undefined,
  later: AcceptedRequest | undefined,
  kills: readonly Kill[],
): Exclude<keyof Duplicates, 'total'> {
  if (!earlier || !later) return 'unexplained'
  const kill = kills.find(
    ({ restartedAtMs }) => restartedAtMs > earlier.receivedAtMs && restartedAtMs <= later.receivedAtMs,
  )
  if (kill && !isStored(earlier, kill)) return 'afterKill'
  if (earlier.batchId === undefined || earlier.batchId !== later.batchId) return 'unexplained'
  if (earlier.reply === 'lost') return 'afterLostReply'
  return earlier.reply === 'cut' ? 'afterCutConnection' : 'unexplained'
}

/** Whether the killed agent must have stored the acknowledgement of the request. */
function isStored({ reply, repliedAtMs }: AcceptedRequest, { storedAtMs }: Kill): boolean {
  if (reply !== 'sent' || repliedAtMs === undefined || storedAtMs === undefined) return false
  return repliedAtMs <= storedAtMs - UNSTORED_MS
}

/** Batches resent under the same id with other bytes. */
function countChanged(requests: readonly AcceptedRequest[]): number {
  const first = new Map<string, number>()
  const changed = new Set<string>()
  for (const { batchId, bodyCrc32 } of requests) {
    if (batchId === undefined) continue
    const known = first.get(batchId)
    if (known === undefined) first.set(batchId, bodyCrc32)
    else if (known !== bodyCrc32) changed.add(batchId)
  }
  return changed.size
}
