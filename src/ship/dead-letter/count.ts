import { stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { unlessAbsent } from '../../system/system-error.ts'
import { listSegments, measureSegment, type Segment } from './segment.ts'

export interface CountedSegment extends Segment {
  readonly bytes: number
  readonly records: number
}

export function total(segments: readonly CountedSegment[], of: 'bytes' | 'records'): number {
  return segments.reduce((sum, segment) => sum + segment[of], 0)
}

/** Counts the entries of every segment. Reads only segments that differ from `known`. */
export async function countSegments(dir: string, known: readonly CountedSegment[]): Promise<readonly CountedSegment[]> {
  const before = new Map(known.map((segment) => [segment.name, segment]))
  const counted: CountedSegment[] = []
  for (const segment of await listSegments(dir)) {
    const path = join(dir, segment.name)
    const was = before.get(segment.name)
    const size = (await unlessAbsent(stat(path)))?.size
    const count = size !== undefined && size === was?.bytes ? was : await unlessAbsent(measureSegment(path))
    if (count === undefined) continue
    counted.push({ ...segment, bytes: count.bytes, records: count.records })
    // Cuts off what a crash left: only this process writes to an unsealed segment, and it is not writing now.
    if (!segment.sealed && size !== undefined && size > count.bytes) await unlessAbsent(truncate(path, count.bytes))
  }
  return counted
}
