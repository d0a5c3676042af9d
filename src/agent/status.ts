import { resolve } from 'node:path'
import type { Saver } from '../checkpoint/saver.ts'
import type { Config } from '../config/config.ts'
import { judgeHealth } from '../observe/health.ts'
import type { CheckpointStatus, DestinationStatus, Status } from '../observe/status.ts'
import { failingSinceMs, type LaneAccount, nextAttemptAtMs } from '../ship/delivery/lane-account.ts'
import { openFiles } from '../system/open-files.ts'
import type { Tailer } from '../tail/tailer.ts'
import type { Shipper } from './shipper.ts'
import { describeRejected, describeSource } from './source-status.ts'

/** The process's current resource use. */
export interface Vitals {
  readonly pid: number
  readonly rssBytes: number
  readonly cpuSeconds: number
}

interface StatusInputs {
  readonly vitals: Vitals
  readonly config: Config
  readonly version: string
  readonly startedAtMs: number
  readonly state: Status['state']
  readonly problems: readonly string[]
  readonly shippers: readonly Shipper[]
  readonly tailer: Tailer
  readonly checkpoint: {
    readonly path: string
    readonly saver: Saver
    readonly recovered: string | undefined
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
    // The reader may have another working directory.
    config: { files: config.files.map((file) => resolve(file)), problems: inputs.problems },
    destinations: inputs.shippers.map(describeShipper),
    sources: [
      ...tailer.view().map((view) => describeSource(view, nowMs)),
      ...config.rejectedSources.map(describeRejected),
    ],
    checkpoint: describeCheckpoint(inputs.checkpoint),
    process: {
      rssBytes: inputs.vitals.rssBytes,
      cpuSeconds: inputs.vitals.cpuSeconds,
      openFiles: openFiles() ?? tailer.openFiles,
    },
  }
  return { ...snapshot, health: judgeHealth(snapshot, tailer.idleMs) }
}

function describeShipper({ destination, lane, deadLetters }: Shipper): DestinationStatus {
  const { account } = lane
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
    retryTimeMs: microsecondsKept(account.retryTimeMs),
    deadLetteredRecords: account.deadLetteredRecords,
    deadLetterRecords: deadLetters.records,
    deadLetterBytes: deadLetters.bytes,
    lastSuccessAt: isoOf(account.lastSuccessAtMs),
    lastError: account.lastError && { at: iso(account.lastError.atMs), message: account.lastError.message },
    failingSince: isoOf(failingSinceMs(account)),
    nextAttemptAt: isoOf(nextAttemptAtMs(account)),
    latencyMs: {
      average: latency.count === 0 ? 0 : microsecondsKept(latency.totalMs / latency.count),
      peak: microsecondsKept(latency.peakMs),
    },
  }
}

/** Digits of clock differences below a microsecond are meaningless. */
function microsecondsKept(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function laneState(account: LaneAccount): DestinationStatus['state'] {
  if (account.stopped) return 'stopped'
  if (account.held > 0) return 'holding'
  return account.trouble ?? (failingSinceMs(account) === undefined ? 'ok' : 'retrying')
}

function describeCheckpoint({ path, saver, recovered }: StatusInputs['checkpoint']): CheckpointStatus {
  const { error } = saver
  return { path, writable: error === undefined, lastWrittenAt: isoOf(saver.lastSavedAtMs), error, recovered }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : iso(ms)
}
