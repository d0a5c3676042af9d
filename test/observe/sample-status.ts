import type { DestinationStatus, FileStatus, PositionStatus, SourceStatus, Status } from '../../src/observe/status.ts'

const auditLog = '/var/log/kubernetes/apiserver/audit.log'

export const samplePosition: PositionStatus = {
  destination: 'datadog',
  position: 181_000,
  readPosition: 183_000,
  bytesDelivered: 181_000,
  bytesDeadLettered: 0,
  bytesSkipped: {},
  bytesPending: 2000,
  lagBytes: 2204,
  lagMs: 1500,
}

export const sampleFile: FileStatus = {
  path: auditLog,
  live: true,
  state: 'reading',
  error: undefined,
  sizeBytes: 183_204,
  bytesSeen: 183_000,
  bytesDelivered: 181_000,
  bytesDeadLettered: 0,
  bytesSkipped: {},
  bytesPending: 2000,
  bytesLost: 0,
  generationsPending: 0,
  deletionInMs: undefined,
  positions: [samplePosition],
}

export const sampleSource: SourceStatus = {
  warnings: [],
  integration: 'kubernetes_audit',
  type: 'file',
  path: auditLog,
  service: 'audit',
  source: 'kubernetes.audit',
  state: 'ok',
  error: undefined,
  files: [sampleFile],
}

export const sampleDestination: DestinationStatus = {
  name: 'datadog',
  description: 'datadog https://http-intake.logs.datadoghq.com/api/v2/logs',
  state: 'ok',
  inFlight: 1,
  inFlightBytes: 2000,
  batchesSent: 12,
  recordsSent: 95,
  bytesSent: 181_000,
  encodedBytesSent: 21_000,
  retries: 0,
  retryTimeMs: 0,
  deadLetteredRecords: 0,
  deadLetterRecords: 0,
  deadLetterBytes: 0,
  lastSuccessAt: '2026-11-21T09:59:57.000Z',
  lastError: undefined,
  failingSince: undefined,
  nextAttemptAt: undefined,
  latencyMs: { average: 2.1, peak: 40 },
}

/** A healthy agent with one file and one destination. */
export const sampleStatus: Status = {
  schema: 'tailship.status/v1',
  version: '1.2.3',
  pid: 4242,
  hostname: 'node-1',
  now: '2026-11-21T10:00:00.000Z',
  startedAt: '2026-11-21T09:00:00.000Z',
  state: 'running',
  health: {
    live: { ok: true, reasons: [] },
    ready: { ok: true, reasons: [] },
    startup: { ok: true, reasons: [] },
  },
  config: { files: ['/etc/tailship/conf.yaml'], problems: [] },
  destinations: [sampleDestination],
  sources: [sampleSource],
  checkpoint: {
    path: '/var/lib/tailship/registry.json',
    writable: true,
    lastWrittenAt: '2026-11-21T09:59:59.000Z',
    error: undefined,
    recovered: undefined,
  },
  process: { rssBytes: 73_400_320, cpuSeconds: 12.34, openFiles: 23 },
}
