/**
 * What `GET /status` answers and `agent status -o json` prints: a versioned contract. Fields are added, never renamed or
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
  /** Uncompressed and as sent. */
  readonly bytesSent: number
  readonly encodedBytesSent: number
  readonly retries: number
  readonly retryTimeMs: number
  /** Put into the dead letter since the start. */
  readonly deadLetteredRecords: number
  /** What lies there now. */
  readonly deadLetterRecords: number
  readonly deadLetterBytes: number
  readonly lastSuccessAt: string | undefined
  readonly lastError: { readonly at: string; readonly message: string } | undefined
  /** When the batch first failed that has been failing longest, whatever else is delivered; undefined while none fails. */
  readonly failingSince: string | undefined
  /** When the first of the batches that wait is sent again. */
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
  /** Why it is in error, or what keeps its files from coming while it is pending. */
  readonly error: string | undefined
  /** What an operator should know though nothing fails, such as a file that is mounted without its directory. */
  readonly warnings: readonly string[]
  readonly files: readonly FileStatus[]
}

/**
 * One generation of a file. Every byte seen is delivered, dead-lettered, skipped or pending: for the destination furthest
 * behind, and in `positions` for each.
 */
export interface FileStatus {
  readonly path: string
  readonly live: boolean
  readonly state: 'reading' | 'caught-up' | 'draining' | 'finished' | 'waiting' | 'error' | 'lost'
  readonly error: string | undefined
  readonly sizeBytes: number
  readonly bytesSeen: number
  readonly bytesDelivered: number
  readonly bytesDeadLettered: number
  /** By reason; `start-position`: there at the start and not to be read, `imported`: sent by another agent before. */
  readonly bytesSkipped: Readonly<Record<string, number>>
  /** Read, and not settled yet. */
  readonly bytesPending: number
  /** Of a file that is `lost`: what was never read and is nowhere any more. */
  readonly bytesLost: number
  /** Rotated generations of this file that are not delivered yet. */
  readonly generationsPending: number
  /** Estimate of when the oldest unread generation would be deleted by the writer's retention. */
  readonly deletionInMs: number | undefined
  readonly positions: readonly PositionStatus[]
}

/** How far one destination is in one generation. */
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
  /** What was wrong with the state at the start and what was done about it. */
  readonly recovered: string | undefined
}
