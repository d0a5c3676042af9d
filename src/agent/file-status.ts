import type { PositionRecord } from '../checkpoint/registry.ts'
import type { FileStatus, PositionStatus } from '../observe/status.ts'
import type { Cursor } from '../tail/cursor/cursor.ts'
import type { Generation } from '../tail/generation/generation.ts'
import type { Lineage } from '../tail/lineage/lineage.ts'
import type { GoneFile } from '../tail/sources/missing.ts'

/** The generations of a live path. */
export function describeLineage(lineage: Lineage, nowMs: number): FileStatus[] {
  const rotated = lineage.generations.reading.filter((generation) => generation !== lineage.generations.live)
  const pending = [...lineage.generations.unplaced, ...rotated].filter(isPending).length
  // Finished generations are kept only so that they are recognised.
  const unplaced = lineage.generations.unplaced.filter(({ finished }) => !finished)
  const files = [...unplaced, ...lineage.generations.reading].map((generation) =>
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
  const hindmost = hindmostOf(positions)
  // Bytes of a lost file that only the faster destinations read will never reach the slowest one.
  const seen = generation.lossReported ? [] : positions
  const bytesSeen = Math.max(hindmost?.readPosition ?? 0, ...seen.map(({ readPosition }) => readPosition))
  return {
    path: live ? lineage.options.path : generation.lastPath,
    live,
    state: fileState(generation, { live, error }),
    error,
    sizeBytes: generation.size,
    ...accountOf(hindmost, bytesSeen),
    bytesLost: generation.lossReported ? generation.unreadBytes : 0,
    generationsPending: live ? pending : 0,
    deletionInMs: live ? lineage.deletionInMs(nowMs) : undefined,
    positions,
  }
}

/** A file that disappeared while the agent was down, and therefore belongs to no lineage. */
export function describeGone({ lastPath, size, unreadBytes, positions: settled }: GoneFile): FileStatus {
  const positions = settled.map(([destination, record]) => ({
    ...settledPosition(destination, record),
    ...{ readPosition: record.offset, bytesPending: 0, lagBytes: 0, lagMs: 0 },
  }))
  const hindmost = hindmostOf(positions)
  return {
    path: lastPath,
    live: false,
    state: 'lost',
    error: undefined,
    sizeBytes: size,
    ...accountOf(hindmost, hindmost?.position ?? 0),
    bytesLost: unreadBytes,
    generationsPending: 0,
    deletionInMs: undefined,
    positions,
  }
}

function hindmostOf(positions: readonly PositionStatus[]): PositionStatus | undefined {
  return positions.toSorted((a, b) => a.position - b.position)[0]
}

function accountOf(hindmost: PositionStatus | undefined, bytesSeen: number) {
  return {
    bytesSeen,
    bytesDelivered: hindmost?.bytesDelivered ?? 0,
    bytesDeadLettered: hindmost?.bytesDeadLettered ?? 0,
    bytesSkipped: hindmost?.bytesSkipped ?? {},
    bytesPending: bytesSeen - (hindmost?.position ?? 0),
  }
}

function settledPosition(destination: string, { offset, deadLetteredBytes, skippedBytes }: PositionRecord) {
  const skipped = Object.values(skippedBytes).reduce((sum, bytes) => sum + bytes, 0)
  return {
    destination,
    position: offset,
    bytesDelivered: Math.max(0, offset - deadLetteredBytes - skipped),
    bytesDeadLettered: deadLetteredBytes,
    bytesSkipped: skippedBytes,
  }
}

function describePosition({ lossReported }: Generation, cursor: Cursor, nowMs: number): PositionStatus {
  const record = cursor.record()
  const { offset } = record
  return {
    ...settledPosition(cursor.destination, record),
    readPosition: cursor.position,
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
