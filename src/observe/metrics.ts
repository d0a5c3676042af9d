import { counter, type Family, familiesOf, gauge, type Metric, renderFamily, type Sample } from './exposition.ts'
import type { DestinationStatus, FileStatus, PositionStatus, SourceStatus, Status } from './status.ts'

/**
 * The status in Prometheus' text format 0.0.4. A file's counters count within one generation: a rotation gives its path a new
 * one, which begins at zero, as `rate()` expects.
 */
export function renderMetrics(status: Status): string {
  return [...agentFamilies(status), ...destinationFamilies(status.destinations), ...sourceFamilies(status.sources)]
    .map(renderFamily)
    .join('')
}

function agentFamilies(status: Status): Family[] {
  const { health, checkpoint, process } = status
  const checks = Object.entries(health).map(([check, { ok }]): Sample => [{ check }, Number(ok)])
  return [
    gauge('tailship_build_info', 'The version that runs, as a label.', [[{ version: status.version }, 1]]),
    gauge('tailship_health', 'Whether a check passes: live, ready, startup.', checks),
    gauge('tailship_config_problems', 'Problems found in the configuration.', [[{}, status.config.problems.length]]),
    gauge('tailship_checkpoint_writable', 'Whether positions can be written.', [[{}, Number(checkpoint.writable)]]),
    gauge('tailship_checkpoint_last_write_timestamp_seconds', 'When positions were last written.', [
      [{}, epochSeconds(checkpoint.lastWrittenAt)],
    ]),
    gauge('process_start_time_seconds', 'When the agent was started.', [[{}, epochSeconds(status.startedAt)]]),
    gauge('process_resident_memory_bytes', 'Resident memory.', [[{}, process.rssBytes]]),
    counter('process_cpu_seconds_total', 'User and system CPU time.', [[{}, process.cpuSeconds]]),
    gauge('process_open_fds', 'Open file descriptors.', [[{}, process.openFiles]]),
  ]
}

const destinationMetrics: readonly Metric<DestinationStatus>[] = [
  ['gauge', 'tailship_in_flight_batches', 'Batches being sent or waiting for a retry.', (d) => d.inFlight],
  ['gauge', 'tailship_in_flight_bytes', 'Uncompressed bytes of these batches.', (d) => d.inFlightBytes],
  ['counter', 'tailship_batches_sent_total', 'Batches delivered.', (d) => d.batchesSent],
  ['counter', 'tailship_records_sent_total', 'Records delivered.', (d) => d.recordsSent],
  ['counter', 'tailship_sent_bytes_total', 'Bytes delivered, uncompressed.', (d) => d.bytesSent],
  ['counter', 'tailship_sent_encoded_bytes_total', 'Bytes delivered, as sent.', (d) => d.encodedBytesSent],
  ['counter', 'tailship_retries_total', 'Attempts after the first.', (d) => d.retries],
  ['counter', 'tailship_retry_seconds_total', 'Time spent waiting for retries.', (d) => d.retryTimeMs / 1000],
  [
    'counter',
    'tailship_dead_lettered_records_total',
    'Records put into the dead-letter directory.',
    (d) => d.deadLetteredRecords,
  ],
  ['gauge', 'tailship_dead_letter_records', 'Records in the dead-letter directory.', (d) => d.deadLetterRecords],
  ['gauge', 'tailship_dead_letter_bytes', 'Size of the dead-letter directory.', (d) => d.deadLetterBytes],
  [
    'gauge',
    'tailship_last_success_timestamp_seconds',
    'When a batch was last delivered.',
    (d) => epochSeconds(d.lastSuccessAt),
  ],
  [
    'gauge',
    'tailship_last_error_timestamp_seconds',
    'When an attempt last failed.',
    (d) => epochSeconds(d.lastError?.at),
  ],
  [
    'gauge',
    'tailship_failing_since_timestamp_seconds',
    'Since when the batch fails that has been failing longest.',
    (d) => epochSeconds(d.failingSince),
  ],
  ['gauge', 'tailship_latency_average_seconds', 'Average time to deliver a batch.', (d) => d.latencyMs.average / 1000],
  ['gauge', 'tailship_latency_peak_seconds', 'Longest time to deliver a batch.', (d) => d.latencyMs.peak / 1000],
]

const destinationStates: readonly DestinationStatus['state'][] = [
  'ok',
  'retrying',
  'unauthorized',
  'misconfigured',
  'holding',
  'stopped',
]

function destinationFamilies(destinations: readonly DestinationStatus[]): Family[] {
  const states = destinations.flatMap(({ name, state }) =>
    destinationStates.map((one): Sample => [{ destination: name, state: one }, Number(state === one)]),
  )
  return [
    gauge('tailship_destination_state', 'One for the state a destination is in, zero for the others.', states),
    ...familiesOf(
      destinationMetrics,
      destinations.map((destination) => ({ labels: { destination: destination.name }, of: destination })),
    ),
  ]
}

const fileMetrics: readonly Metric<FileStatus>[] = [
  ['gauge', 'tailship_file_size_bytes', 'Size of a file.', (file) => file.sizeBytes],
  ['counter', 'tailship_file_seen_bytes_total', 'Bytes read from a file.', (file) => file.bytesSeen],
  ['counter', 'tailship_file_delivered_bytes_total', 'Bytes of a file delivered.', (file) => file.bytesDelivered],
  [
    'counter',
    'tailship_file_dead_lettered_bytes_total',
    'Bytes of a file dead-lettered.',
    (file) => file.bytesDeadLettered,
  ],
  [
    'counter',
    'tailship_file_lost_bytes_total',
    'Bytes of a file that were deleted or overwritten before they were read.',
    (file) => file.bytesLost,
  ],
]

const rotationMetrics: readonly Metric<FileStatus>[] = [
  [
    'gauge',
    'tailship_file_generations_pending',
    'Rotated generations not delivered yet.',
    (file) => file.generationsPending,
  ],
  [
    'gauge',
    'tailship_file_deletion_seconds',
    'Estimated time until the writer deletes unread bytes.',
    (file) => inSeconds(file.deletionInMs),
  ],
]

const positionMetrics: readonly Metric<PositionStatus>[] = [
  ['gauge', 'tailship_file_position_bytes', 'Everything before this offset is settled.', ({ position }) => position],
  ['gauge', 'tailship_file_lag_bytes', 'Bytes not settled yet.', ({ lagBytes }) => lagBytes],
  ['gauge', 'tailship_file_lag_seconds', 'Age of the oldest byte not settled.', ({ lagMs }) => lagMs / 1000],
]

const fileStates: readonly FileStatus['state'][] = ['reading', 'caught-up', 'draining', 'waiting', 'error', 'lost']

function sourceFamilies(sources: readonly SourceStatus[]): Family[] {
  const files = sources.flatMap((source) =>
    source.files.map((file) => ({ labels: { integration: source.integration, path: file.path }, of: file })),
  )
  const skipped = files.flatMap(({ labels, of: file }) =>
    Object.entries(file.bytesSkipped).map(([reason, bytes]): Sample => [{ ...labels, reason }, bytes]),
  )
  const positions = files.flatMap(({ labels, of: file }) =>
    file.positions.map((position) => ({ labels: { ...labels, destination: position.destination }, of: position })),
  )
  return [
    gauge('tailship_source_ok', 'Whether a source of the configuration is being read.', sources.map(sourceSample)),
    gauge('tailship_source_files', 'Files of a source by state.', sources.flatMap(fileStateSamples)),
    ...familiesOf(fileMetrics, files),
    counter('tailship_file_skipped_bytes_total', 'Bytes of a file skipped, by reason.', skipped),
    ...familiesOf(rotationMetrics, files),
    ...familiesOf(positionMetrics, positions),
  ]
}

function sourceSample({ integration, path, state }: SourceStatus): Sample {
  return [{ integration, path }, Number(state === 'ok')]
}

function fileStateSamples({ integration, path, files }: SourceStatus): Sample[] {
  return fileStates.map((state) => [{ integration, path, state }, files.filter((file) => file.state === state).length])
}

function epochSeconds(iso: string | undefined): number | undefined {
  return iso === undefined ? undefined : Date.parse(iso) / 1000
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}
