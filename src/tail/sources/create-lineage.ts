import { basename, dirname } from 'node:path'
import type { SourceConfig } from '../../config/config.ts'
import type { Descriptors } from '../file/descriptors.ts'
import { Fault, isAbsent } from '../file/files.ts'
import type { LineageOptions } from '../generation/lineage-options.ts'
import { Lineage } from '../lineage/lineage.ts'
import { parseRotatedName } from '../names/rotated-name.ts'
import type { FileOwnership } from './file-ownership.ts'

export interface CreateLineageOptions
  extends Pick<LineageOptions, 'files' | 'listings' | 'log' | 'finalQuietMs' | 'deletedQuietMs'> {
  readonly destinations: readonly string[]
  readonly descriptors: Descriptors
  readonly ownership: FileOwnership
  /** Since when each source, by its path or pattern, has been tailed. */
  readonly sinceMs: ReadonlyMap<string, number>
  readonly startedAtMs: number
  /** Sources that were tailed before this start. */
  readonly knownSources: ReadonlySet<string>
  onChange(): void
  onDirty(lineage: Lineage): void
}

/** A new live path. */
export interface NewLivePath extends Pick<LineageOptions, 'path' | 'source' | 'records' | 'isInitial' | 'recall'> {
  /** Whether it was found by a pattern. */
  readonly isDiscovered: boolean
}

/** Makes the lineage of a live path. */
export function createLineage(
  { path, source, isDiscovered, isInitial, records, recall }: NewLivePath,
  options: CreateLineageOptions,
): Lineage {
  const { files, listings, log, ownership } = options
  // With records that are used, this is not a first start: what was noted as history stays history.
  const isNew = records.length === 0 || source.startPosition.startsWith('force')
  const lineage: Lineage = new Lineage({
    path,
    source: isDiscovered && isNew && isAlone(path, options) ? { ...source, backfill: true } : source,
    files,
    listings,
    log,
    records,
    startedAtMs: historyEndsAtMs(source, options),
    isInitial,
    isKnownSource: source.startPosition !== 'forceEnd' && options.knownSources.has(source.path),
    finalQuietMs: options.finalQuietMs,
    deletedQuietMs: options.deletedQuietMs,
    isOwnedElsewhere: (place, nowMs) => ownership.isOwnedElsewhere(lineage, place, nowMs),
    recall,
    context: {
      files,
      descriptors: options.descriptors,
      labels: source.labels,
      maxLineBytes: source.maxLineBytes,
      destinations: options.destinations,
      onChange: options.onChange,
      onDirty: () => options.onDirty(lineage),
    },
  })
  return lineage
}

/** Returns the time before which rotated files are history. With `forceEnd` every start counts as the first. */
function historyEndsAtMs(
  { path, startPosition }: SourceConfig,
  { sinceMs, startedAtMs }: CreateLineageOptions,
): number {
  return (startPosition === 'forceEnd' ? undefined : sinceMs.get(path)) ?? startedAtMs
}

/**
 * Whether files that look like rotated generations of an absent live file may be all there is: then they are not history.
 * Names in kube-apiserver's form can only be rotated files.
 */
function isAlone(path: string, { files, listings }: CreateLineageOptions): boolean {
  const facts = files.stat(path)
  if (!(facts instanceof Fault && isAbsent(facts))) return false
  const listing = listings.list(dirname(path))
  const rotated = listing instanceof Fault ? [] : listing.rotatedOf(basename(path))
  return !rotated.some((name) => parseRotatedName(name, basename(path))?.kind === 'timestamp')
}
