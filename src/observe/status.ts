/**
 * What `GET /status` returns and `agent status -o json` prints: a versioned contract. Fields are added, never renamed or
 * removed, within a version. Times are ISO 8601 in UTC, durations milliseconds, sizes bytes. No secrets, no log content.
 */
export interface Status {
  readonly schema: 'tailship.status/v1'
  readonly version: string
  readonly pid: number
  readonly hostname: string
  readonly now: string
  readonly startedAt: string
  readonly state: 'starting' | 'running' | 'draining' | 'disabled'
  readonly health: { readonly live: Check; readonly ready: Check; readonly startup: Check }
  readonly config: { readonly files: readonly string[]; readonly problems: readonly string[] }
  readonly destinations: readonly DestinationStatus[]
  readonly sources: readonly SourceStatus[]
  readonly checkpoint: CheckpointStatus
  readonly process: { readonly rssBytes: number; readonly cpuSeconds: number; readonly openFiles: number }
}

export interface Check {
  readonly ok: boolean
  /** Why not; empty when ok. */
  readonly reasons: readonly string[]
}

export interface DestinationStatus {
  readonly name: string
  readonly description: string
  readonly state: 'ok' | 'retrying' | 'unauthorized' | 'misconfigured' | 'holding' | 'stopped'
  readonly inFlight: number
  readonly inFlightBytes: number
  readonly batchesSent: number
  readonly recordsSent: number
  /** Uncompressed. */
  readonly bytesSent: number
  /** As sent. */
  readonly encodedBytesSent: number
  readonly retries: number
  readonly retryTimeMs: number
  /** Dead-lettered since the start. */
  readonly deadLetteredRecords: number
  /** Currently in the dead letter. */
  readonly deadLetterRecords: number
  readonly deadLetterBytes: number
  readonly lastSuccessAt: string | undefined
  readonly lastError: { readonly at: string; readonly message: string } | undefined
  /** When the longest-failing batch first failed, whatever else is delivered; undefined while none fails. */
  readonly failingSince: string | undefined
  /** When the first waiting batch is sent again. */
  readonly nextAttemptAt: string | undefined
  readonly latencyMs: { readonly average: number; readonly peak: number }
}

/** One `logs:` item. */
export interface SourceStatus {
  readonly integration: string
  readonly type: 'file'
  readonly path: string
  readonly service: string | undefined
  readonly source: string | undefined
  readonly state: 'pending' | 'ok' | 'error'
  /** In state `error`, the reason; while `pending`, what keeps its files from appearing. */
  readonly error: string | undefined
  /** What an operator should know although nothing fails, such as a file mounted without its directory. */
  readonly warnings: readonly string[]
  readonly files: readonly FileStatus[]
}

/**
 * One generation of a file. Every byte seen is delivered, dead-lettered, skipped or pending: these counts are of the
 * destination furthest behind, those in `positions` of each.
 */
export interface FileStatus {
  readonly path: string
  readonly live: boolean
  readonly state: 'reading' | 'caught-up' | 'draining' | 'waiting' | 'error' | 'lost'
  readonly error: string | undefined
  readonly sizeBytes: number
  readonly bytesSeen: number
  readonly bytesDelivered: number
  readonly bytesDeadLettered: number
  /** By reason. `start-position`: present at the start and not to be read; `imported`: already sent by another agent. */
  readonly bytesSkipped: Readonly<Record<string, number>>
  /** Read, and not settled yet. */
  readonly bytesPending: number
  /** For a `lost` file: what was never read and no longer exists. */
  readonly bytesLost: number
  /** Rotated generations of this file that are not delivered yet. */
  readonly generationsPending: number
  /** Estimate of when the oldest unread generation would be deleted by the writer's retention. */
  readonly deletionInMs: number | undefined
  readonly positions: readonly PositionStatus[]
}

/** One destination's progress in one generation. */
export interface PositionStatus {
  readonly destination: string
  /** Everything before is settled. */
  readonly position: number
  /** Everything before has been read. */
  readonly readPosition: number
  readonly bytesDelivered: number
  readonly bytesDeadLettered: number
  readonly bytesSkipped: Readonly<Record<string, number>>
  /** Read, and not settled yet. */
  readonly bytesPending: number
  /** In the file, and not settled yet. */
  readonly lagBytes: number
  readonly lagMs: number
}

export interface CheckpointStatus {
  readonly path: string
  readonly writable: boolean
  readonly lastWrittenAt: string | undefined
  readonly error: string | undefined
  /** What was wrong with the state at startup and how it was handled. */
  readonly recovered: string | undefined
}
