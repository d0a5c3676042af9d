import type { Saver } from './checkpoint/saver.ts'
import type { Config, RejectedSource } from './config/config.ts'
import { judgeHealth } from './observe/health.ts'
import type {
  CheckpointStatus,
  DestinationStatus,
  FileStatus,
  PositionStatus,
  SourceStatus,
  Status,
} from './observe/status.ts'
import { openFiles } from './open-files.ts'
import type { Destination } from './ship/destination.ts'
import type { LaneAccount } from './ship/lane-account.ts'
import type { Cursor } from './tail/cursor.ts'
import type { Generation } from './tail/generation.ts'
import type { Lineage } from './tail/lineage.ts'
import type { SourceView, Tailer } from './tail/tailer.ts'

/** What the process knows of itself. */
export interface Vitals {
  readonly pid: number
  readonly rssBytes: number
  readonly cpuSeconds: number
}

export interface StatusInputs {
  readonly vitals: Vitals
  readonly config: Config
  readonly version: string
  readonly startedAtMs: number
  readonly state: Status['state']
  readonly problems: readonly string[]
  readonly lanes: readonly {
    readonly destination: Destination
    readonly account: LaneAccount
    readonly deadLetterBytes: number
  }[]
  readonly tailer: Tailer | undefined
  readonly checkpoint: {
    readonly path: string
    readonly saver: Saver | undefined
    readonly recovered: string | undefined
    readonly problem: string | undefined
  }
}

export function describeAgent(inputs: StatusInputs): Status {
  const { config, tailer } = inputs
  const nowMs = Date.now()
  const snapshot: Omit<Status, 'health'> = {
    schema: 'tailship.status/v1',
    version: inputs.version,
    pid: inputs.vitals.pid,
    hostname: config.hostname,
    now: iso(nowMs),
    startedAt: iso(inputs.startedAtMs),
    state: inputs.state,
    config: { files: config.files, problems: inputs.problems },
    destinations: inputs.lanes.map(describeLane),
    sources: [
      ...(tailer?.view() ?? []).map((view) => describeSource(view, nowMs)),
      ...config.rejectedSources.map(describeRejected),
    ],
    checkpoint: describeCheckpoint(inputs.checkpoint),
    process: {
      rssBytes: inputs.vitals.rssBytes,
      cpuSeconds: inputs.vitals.cpuSeconds,
      openFiles: openFiles() ?? tailer?.openFiles ?? 0,
    },
  }
  return { ...snapshot, health: judgeHealth(snapshot, tailer ? nowMs - tailer.lastPassAtMs : undefined) }
}

function describeLane({ destination, account, deadLetterBytes }: StatusInputs['lanes'][number]): DestinationStatus {
  const { latency } = account
  return {
    name: destination.name,
    description: destination.description,
    state: laneState(account),
    inFlight: account.inFlight,
    inFlightBytes: account.inFlightBytes,
    batchesSent: account.batchesSent,
    recordsSent: account.recordsSent,
    bytesSent: account.bytesSent,
    encodedBytesSent: account.encodedBytesSent,
    retries: account.retries,
    retryTimeMs: account.retryTimeMs,
    deadLetteredRecords: account.deadLetteredRecords,
    deadLetterBytes,
    lastSuccessAt: isoOf(account.lastSuccessAtMs),
    lastError: account.lastError && { at: iso(account.lastError.atMs), message: account.lastError.message },
    failingSince: isoOf(account.failingSinceMs),
    nextAttemptAt: isoOf(account.nextAttemptAtMs),
    latencyMs: { average: latency.count === 0 ? 0 : latency.totalMs / latency.count, peak: latency.peakMs },
  }
}

function laneState(account: LaneAccount): DestinationStatus['state'] {
  if (account.stopped) return 'stopped'
  if (account.held > 0) return 'holding'
  return account.trouble ?? (account.failingSinceMs === undefined ? 'ok' : 'retrying')
}

function describeSource({ source, lineages, faults, warnings }: SourceView, nowMs: number): SourceStatus {
  const files = lineages.flatMap((lineage) => describeLineage(lineage, nowMs))
  const fault = faults[0]
  return {
    integration: source.integration,
    type: 'file',
    path: source.path,
    service: source.labels.service,
    source: source.labels.source,
    state: fault
      ? 'error'
      : files.length === 0
        ? 'pending'
        : files.some(({ state }) => state === 'error')
          ? 'error'
          : 'ok',
    error: fault?.message ?? files.find(({ error }) => error !== undefined)?.error,
    warnings,
    files,
  }
}

function describeLineage(lineage: Lineage, nowMs: number): FileStatus[] {
  const rotated = lineage.reading.filter((generation) => generation !== lineage.live)
  const pending = [...lineage.homeless, ...rotated].filter(isPending).length
  // Those that are done with are kept to be recognised only.
  const homeless = lineage.homeless.filter(({ finished }) => !finished)
  const files = [...homeless, ...lineage.reading].map((generation) =>
    describeFile(lineage, generation, { nowMs, pending }),
  )
  return lineage.livePath.error === undefined || lineage.live
    ? files
    : [...files, unreadable(lineage.options.path, lineage.livePath.error, pending)]
}

function isPending({ finished, lossReported, isSettled }: Generation): boolean {
  return !finished && !lossReported && !isSettled
}

function describeFile(
  lineage: Lineage,
  generation: Generation,
  { nowMs, pending }: { nowMs: number; pending: number },
): FileStatus {
  const live = generation === lineage.live
  const error = generation.fault?.message ?? (live ? lineage.livePath.error : undefined)
  const positions = [...generation.cursors.values()].map((cursor) => describePosition(cursor, nowMs))
  const hindmost = positions.toSorted((a, b) => a.position - b.position)[0]
  const bytesSeen = Math.max(0, ...positions.map(({ readPosition }) => readPosition))
  return {
    path: live ? lineage.options.path : generation.lastPath,
    live,
    state: fileState(generation, { live, error }),
    error,
    sizeBytes: generation.size,
    bytesSeen,
    bytesDelivered: hindmost?.bytesDelivered ?? 0,
    bytesDeadLettered: hindmost?.bytesDeadLettered ?? 0,
    bytesSkipped: hindmost?.bytesSkipped ?? {},
    bytesPending: bytesSeen - (hindmost?.position ?? 0),
    generationsPending: live ? pending : 0,
    deletionInMs: live ? lineage.deletionInMs(nowMs) : undefined,
    positions,
  }
}

function describePosition(cursor: Cursor, nowMs: number): PositionStatus {
  const { offset, deadLetteredBytes, skippedBytes } = cursor.record()
  const skipped = Object.values(skippedBytes).reduce((sum, bytes) => sum + bytes, 0)
  return {
    destination: cursor.destination,
    position: offset,
    readPosition: cursor.position,
    bytesDelivered: Math.max(0, offset - deadLetteredBytes - skipped),
    bytesDeadLettered: deadLetteredBytes,
    bytesSkipped: skippedBytes,
    bytesPending: cursor.position - offset,
    lagBytes: Math.max(0, cursor.end - offset),
    lagMs: cursor.lagMs(nowMs),
  }
}

function fileState(
  generation: Generation,
  { live, error }: { live: boolean; error: string | undefined },
): FileStatus['state'] {
  if (generation.lossReported) return 'lost'
  if (error !== undefined) return 'error'
  if (!generation.place) return 'waiting'
  if (generation.finished) return 'finished'
  if (!live) return 'draining'
  return generation.isSettled ? 'caught-up' : 'reading'
}

function unreadable(path: string, error: string, pending: number): FileStatus {
  return {
    path,
    live: true,
    state: 'error',
    error,
    sizeBytes: 0,
    bytesSeen: 0,
    bytesDelivered: 0,
    bytesDeadLettered: 0,
    bytesSkipped: {},
    bytesPending: 0,
    generationsPending: pending,
    deletionInMs: undefined,
    positions: [],
  }
}

function describeRejected({ integration, path, error }: RejectedSource): SourceStatus {
  return {
    integration,
    type: 'file',
    path: path ?? '(no path)',
    service: undefined,
    source: undefined,
    state: 'error',
    error,
    warnings: [],
    files: [],
  }
}

function describeCheckpoint({ path, saver, recovered, problem }: StatusInputs['checkpoint']): CheckpointStatus {
  const error = problem ?? saver?.error
  return { path, writable: error === undefined, lastWrittenAt: isoOf(saver?.lastSavedAtMs), error, recovered }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : iso(ms)
}
