import type { RejectedSource } from '../config/config.ts'
import type { FileStatus, PositionStatus, SourceStatus } from '../observe/status.ts'
import type { Cursor } from '../tail/cursor.ts'
import type { Generation } from '../tail/generation.ts'
import type { Lineage } from '../tail/lineage.ts'
import type { SourceView } from '../tail/source-view.ts'

/** One item of `logs:` with the files it matches. */
export function describeSource(view: SourceView, nowMs: number): SourceStatus {
  const { source, lineages, faults, warnings } = view
  const files = lineages.flatMap((lineage) => describeLineage(lineage, nowMs))
  const fault = faults[0]
  const state = sourceState(view, files, nowMs)
  return {
    integration: source.integration,
    type: 'file',
    path: source.path,
    service: source.labels.service,
    source: source.labels.source,
    state,
    error:
      state === 'pending'
        ? reasonToWait(view)
        : (fault?.message ?? files.find(({ error }) => error !== undefined)?.error),
    warnings,
    files,
  }
}

function sourceState({ faults, elsewhere }: SourceView, files: readonly FileStatus[], nowMs: number) {
  if (faults.length > 0 || files.some(({ state }) => state === 'error')) return 'error'
  // A source whose files are read for another source is not waiting for any.
  const isWaiting = files.length === 0 && elsewhere.every((lineage) => describeLineage(lineage, nowMs).length === 0)
  return isWaiting ? 'pending' : 'ok'
}

/** A missing mount looks like a silent writer. */
function reasonToWait({ missingDirectory }: SourceView): string | undefined {
  const missing = missingDirectory()
  return missing === undefined ? undefined : `${missing} (in a pod: is it mounted there?)`
}

function describeLineage(lineage: Lineage, nowMs: number): FileStatus[] {
  const rotated = lineage.generations.reading.filter((generation) => generation !== lineage.generations.live)
  const pending = [...lineage.generations.homeless, ...rotated].filter(isPending).length
  // Finished ones are kept only to be recognised.
  const homeless = lineage.generations.homeless.filter(({ finished }) => !finished)
  const files = [...homeless, ...lineage.generations.reading].map((generation) =>
    describeFile(lineage, generation, { nowMs, pending }),
  )
  return lineage.livePath.error === undefined || lineage.generations.live
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
  const live = generation === lineage.generations.live
  const error = generation.fault?.message ?? (live ? lineage.livePath.error : undefined)
  const positions = [...generation.cursors.values()].map((cursor) => describePosition(generation, cursor, nowMs))
  const hindmost = positions.toSorted((a, b) => a.position - b.position)[0]
  // Bytes of a lost file that only the faster destinations read will never reach the slowest one.
  const seen = generation.lossReported ? [] : positions
  const bytesSeen = Math.max(hindmost?.readPosition ?? 0, ...seen.map(({ readPosition }) => readPosition))
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
    bytesLost: generation.lossReported ? generation.unreadBytes : 0,
    generationsPending: live ? pending : 0,
    deletionInMs: live ? lineage.deletionInMs(nowMs) : undefined,
    positions,
  }
}

function describePosition({ lossReported }: Generation, cursor: Cursor, nowMs: number): PositionStatus {
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
    // A lost file cannot be read further: its lag is only what is in flight.
    lagBytes: Math.max(0, (lossReported ? cursor.position : cursor.end) - offset),
    lagMs: lossReported && cursor.isIdle ? 0 : cursor.lagMs(nowMs),
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
    bytesLost: 0,
    generationsPending: pending,
    deletionInMs: undefined,
    positions: [],
  }
}

/** An item that was rejected. */
export function describeRejected({ integration, path, error }: RejectedSource): SourceStatus {
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
