import type { Status } from '../observe/status.ts'
import type { Scorecard } from './scorecard.ts'

/** A moment of the demo. Times are on one monotonic clock. */
export interface Sample {
  readonly atMs: number
  readonly written: Amount
  /** Each event counted once. */
  readonly received: Amount
  /** Undefined while the agent is down or does not answer. */
  readonly status: Status | undefined
}

export interface Amount {
  readonly events: number
  readonly bytes: number
}

/** What the panel shows besides the counts. */
export interface Reading {
  readonly writtenPerSecond: number
  readonly receivedPerSecond: number
  /** Received events per second over the last seconds, oldest first. */
  readonly history: readonly number[]
  /** Written but not yet received, whatever the cause. */
  readonly behind: Amount & { readonly ms: number }
  /** As reported by the agent; undefined while it does not answer. */
  readonly agent: AgentReading | undefined
  /** Sum over all agent processes. */
  readonly retries: number
  readonly peakMemoryBytes: number
}

interface AgentReading {
  readonly state: string
  readonly inFlight: number
  readonly lagBytes: number
  readonly lagMs: number
  readonly memoryBytes: number
  readonly deadLetteredRecords: number
}

export interface Gauges {
  note(sample: Sample): Reading
  measured(): Pick<Scorecard, 'retries' | 'highestLag' | 'peakMemoryBytes' | 'throughput'>
  /** As last reported by an agent. */
  readonly deadLetteredRecords: number
}

const HISTORY_SECONDS = 40
const RATE_WINDOW_MS = 2000

export function createGauges(): Gauges {
  const samples: Sample[] = []
  const retriesByLife = new Map<string, number>()
  const highestLag = { events: 0, bytes: 0, ms: 0 }
  let peakMemoryBytes = 0
  let deadLetteredRecords = 0
  let arrived: { readonly first: Sample; readonly last: Sample } | undefined

  const retries = () => [...retriesByLife.values()].reduce((sum, count) => sum + count, 0)
  const note = (sample: Sample): Reading => {
    samples.push(sample)
    while ((samples[0]?.atMs ?? 0) < sample.atMs - HISTORY_SECONDS * 1000 && caughtUp(samples[1], sample))
      samples.shift()
    if (sample.received.events > (arrived?.last.received.events ?? 0)) {
      arrived = { first: arrived?.first ?? sample, last: sample }
    }
    const behind = lagOf(samples, sample)
    highestLag.events = Math.max(highestLag.events, behind.events)
    highestLag.bytes = Math.max(highestLag.bytes, behind.bytes)
    highestLag.ms = Math.max(highestLag.ms, behind.ms)
    const agent = sample.status && agentReading(sample.status)
    if (sample.status)
      retriesByLife.set(
        sample.status.startedAt,
        sumOf(sample.status.destinations, (d) => d.retries),
      )
    peakMemoryBytes = Math.max(peakMemoryBytes, agent?.memoryBytes ?? 0)
    deadLetteredRecords = agent?.deadLetteredRecords ?? deadLetteredRecords
    return {
      writtenPerSecond: rate(samples, (at) => at.written.events, RATE_WINDOW_MS),
      receivedPerSecond: rate(samples, (at) => at.received.events, RATE_WINDOW_MS),
      history: perSecond(samples),
      behind,
      agent,
      retries: retries(),
      peakMemoryBytes,
    }
  }
  return {
    note,
    measured: () => ({
      retries: retries(),
      highestLag,
      peakMemoryBytes,
      throughput: throughput(arrived?.first, arrived?.last),
    }),
    get deadLetteredRecords() {
      return deadLetteredRecords
    },
  }
}

function caughtUp(then: Sample | undefined, now: Sample): boolean {
  return then !== undefined && then.written.events <= now.received.events
}

/** The age of the oldest event written but not received, to the accuracy of the samples. */
function lagOf(samples: readonly Sample[], now: Sample): Reading['behind'] {
  const oldest = samples.findLast((sample) => sample.written.events <= now.received.events)
  return {
    events: Math.max(0, now.written.events - now.received.events),
    bytes: Math.max(0, now.written.bytes - now.received.bytes),
    ms: now.atMs - (oldest ?? samples[0] ?? now).atMs,
  }
}

function agentReading({ state, destinations, sources, process }: Status): AgentReading {
  const positions = sources.flatMap((source) => source.files.flatMap((file) => file.positions))
  const trouble = destinations.find((destination) => destination.state !== 'ok')
  return {
    state: state === 'running' ? (trouble?.state ?? state) : state,
    inFlight: sumOf(destinations, (destination) => destination.inFlight),
    lagBytes: sumOf(positions, (position) => position.lagBytes),
    lagMs: Math.max(0, ...positions.map((position) => position.lagMs)),
    memoryBytes: process.rssBytes,
    deadLetteredRecords: sumOf(destinations, (destination) => destination.deadLetteredRecords),
  }
}

/** Per second, over the last `windowMs`. */
function rate(samples: readonly Sample[], count: (sample: Sample) => number, windowMs: number): number {
  const last = samples.at(-1)
  const first = last && samples.find((sample) => sample.atMs >= last.atMs - windowMs)
  if (!first || last.atMs === first.atMs) return 0
  return ((count(last) - count(first)) * 1000) / (last.atMs - first.atMs)
}

function perSecond(samples: readonly Sample[]): number[] {
  const last = samples.at(-1)?.atMs ?? 0
  const ends = Array.from({ length: HISTORY_SECONDS }, (_, index) => last - (HISTORY_SECONDS - 1 - index) * 1000)
  const received = ends.map((end) => samples.findLast((sample) => sample.atMs <= end)?.received.events ?? 0)
  return received.slice(1).map((events, index) => events - (received[index] ?? 0))
}

function throughput(first: Sample | undefined, last: Sample | undefined): Scorecard['throughput'] {
  const seconds = ((last?.atMs ?? 0) - (first?.atMs ?? 0)) / 1000
  if (!first || !last || seconds === 0) return { eventsPerSecond: 0, bytesPerSecond: 0 }
  return {
    eventsPerSecond: (last.received.events - first.received.events) / seconds,
    bytesPerSecond: (last.received.bytes - first.received.bytes) / seconds,
  }
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0)
}
