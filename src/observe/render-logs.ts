import { banner, bytes, duration, table, timestamp } from './format.ts'
import { printable } from './line.ts'
import { gradeOf } from './render-delivery.ts'
import type { DestinationStatus, FileStatus, SourceStatus, Status } from './status.ts'

/** The Datadog Agent's Logs section plus what that omits: each destination, and positions for each file. */
export function renderLogs(status: Status): string[] {
  const nowMs = Date.parse(status.now)
  const integrations = Map.groupBy(status.sources, (source) => source.integration)
  return [
    ...banner('Logs Agent'),
    ...status.destinations.flatMap((destination) => ['', ...renderDestination(destination, nowMs)]),
    ...[...integrations].flatMap(([name, sources]) => [
      '',
      `  ${printable(name)}`,
      `  ${'-'.repeat(printable(name).length)}`,
      ...sources.flatMap(renderSource),
    ]),
  ]
}

function renderDestination(destination: DestinationStatus, nowMs: number): string[] {
  const { lastSuccessAt, lastError, nextAttemptAt, latencyMs } = destination
  const lines = [
    `Reliable: Sending logs to ${printable(destination.description)}`,
    `Destination: ${printable(destination.name)}`,
    `Status: ${destinationLabel(destination, nowMs)}`,
    `BytesSent: ${bytes(destination.bytesSent)}`,
    `EncodedBytesSent: ${bytes(destination.encodedBytesSent)}`,
    `LogsProcessed: ${destination.recordsSent + destination.deadLetteredRecords}`,
    `LogsSent: ${destination.recordsSent}`,
    `BatchesSent: ${destination.batchesSent}`,
    `DeadLettered: ${deadLetterLabel(destination)}`,
    `InFlight: ${counted(destination.inFlight, 'batch', 'batches')}, ${bytes(destination.inFlightBytes)}`,
    `RetryCount: ${destination.retries}`,
    `RetryTimeSpent: ${duration(destination.retryTimeMs)}`,
    `Latency: ${destination.batchesSent === 0 ? 'none yet' : `average ${duration(latencyMs.average)}, peak ${duration(latencyMs.peak)}`}`,
    `LastSuccess: ${lastSuccessAt === undefined ? 'none yet' : timestamp(lastSuccessAt, nowMs)}`,
  ]
  if (lastError !== undefined)
    lines.push(`LastError: ${timestamp(lastError.at, nowMs)}: ${printable(lastError.message)}`)
  if (nextAttemptAt !== undefined) lines.push(`NextAttempt: ${timestamp(nextAttemptAt, nowMs)}`)
  return lines.map((line) => `    ${line}`)
}

function destinationLabel({ state, failingSince }: DestinationStatus, nowMs: number): string {
  if (state === 'ok' || state === 'stopped') return state === 'ok' ? 'OK' : 'WARN stopped'
  const since = failingSince === undefined ? '' : ` since ${timestamp(failingSince, nowMs)}`
  return `${gradeOf(state)} ${state}${since}`
}

const counted = (count: number, one: string, several: string) => `${count} ${count === 1 ? one : several}`

function deadLetterLabel({ deadLetteredRecords, deadLetterRecords, deadLetterBytes }: DestinationStatus): string {
  const since = `${deadLetteredRecords} since the start`
  if (deadLetterBytes === 0) return `none on disk, ${since}`
  const onDisk = `${deadLetterRecords} on disk, ${bytes(deadLetterBytes)}`
  return `WARN ${onDisk}, ${since}: see agent replay --dead-letter --dry-run`
}

function renderSource(source: SourceStatus): string[] {
  const { files } = source
  const live = files.filter((file) => file.live)
  const fields = [
    `Path: ${printable(source.path)}`,
    ...(source.service === undefined ? [] : [`Service: ${printable(source.service)}`]),
    ...(source.source === undefined ? [] : [`Source: ${printable(source.source)}`]),
    `Status: ${sourceLabel(source)}`,
    ...source.warnings.map((warning) => `WARN ${printable(warning)}`),
    ...(live.length === 0 ? [] : ['Inputs:', ...live.map((file) => `  ${printable(file.path)}`)]),
    `Bytes Read: ${files.reduce((sum, file) => sum + file.bytesSeen, 0)}`,
    ...(files.length === 0 ? [] : ['Files:', ...fileTable(files).map((line) => `  ${line}`)]),
    ...files.flatMap(fileNotes).map((note) => `  ${note}`),
  ]
  return [`    - Type: ${source.type}`, ...fields.map((line) => `      ${line}`)]
}

/** Uses the Datadog Agent's terms. */
function sourceLabel({ state, error }: SourceStatus): string {
  switch (state) {
    case 'pending':
      return error === undefined ? 'Pending' : `Pending: ${printable(error)}`
    case 'ok':
      return 'OK'
    case 'error':
      return `Error: ${printable(error ?? 'unknown')}`
  }
}

function fileTable(files: readonly FileStatus[]): string[] {
  const rows = files.flatMap((file) => {
    const state = `${fileLabel(file)} ${file.state}`
    const path = printable(file.path)
    if (file.positions.length === 0) return [[state, bytes(file.sizeBytes), '-', '-', '-', '-', path]]
    return file.positions.map(({ destination, position, lagBytes, lagMs }) => [
      state,
      bytes(file.sizeBytes),
      printable(destination),
      bytes(position),
      bytes(lagBytes),
      duration(lagMs),
      path,
    ])
  })
  return table([['STATE', 'SIZE', 'DESTINATION', 'POSITION', 'LAG', 'LAG TIME', 'FILE'], ...rows])
}

function fileLabel({ state }: FileStatus): 'OK' | 'FAIL' {
  switch (state) {
    case 'reading':
    case 'caught-up':
    case 'draining':
    case 'waiting':
      return 'OK'
    case 'error':
    case 'lost':
      return 'FAIL'
  }
}

function fileNotes(file: FileStatus): string[] {
  const path = printable(file.path)
  const notes: string[] = []
  if (file.error !== undefined) notes.push(`FAIL ${path}: ${printable(file.error)}`)
  if (file.bytesLost > 0) {
    notes.push(`FAIL ${path}: lost ${bytes(file.bytesLost)}: the file was deleted or overwritten before it was read`)
  }
  if (file.deletionInMs !== undefined) {
    notes.push(`WARN ${path}: the writer will delete unread bytes in about ${duration(file.deletionInMs)}`)
  }
  if (file.generationsPending > 0) {
    const pending = counted(file.generationsPending, 'rotated generation', 'rotated generations')
    notes.push(`WARN ${path}: ${pending} not delivered yet`)
  }
  if (file.bytesDeadLettered > 0) notes.push(`OK ${path}: dead-lettered ${bytes(file.bytesDeadLettered)}`)
  const skipped = Object.entries(file.bytesSkipped).filter(([, count]) => count > 0)
  if (skipped.length > 0) {
    notes.push(`OK ${path}: skipped ${skipped.map(([reason, count]) => `${reason} ${bytes(count)}`).join(', ')}`)
  }
  return notes
}
