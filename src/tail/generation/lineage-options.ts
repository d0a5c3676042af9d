import type { GenerationRecord } from '../../checkpoint/registry.ts'
import type { SourceConfig } from '../../config/config.ts'
import type { Log } from '../../log.ts'
import type { Fault, FileFacts, Files } from '../file/files.ts'
import type { Place } from '../file/place.ts'
import type { DirectoryListings } from '../names/directory-listings.ts'
import type { GenerationContext } from './generation.ts'

export interface LineageOptions {
  /** The live path, as discovered. */
  readonly path: string
  readonly source: SourceConfig
  readonly files: Files
  readonly listings: DirectoryListings
  readonly log: Log
  readonly records: readonly GenerationRecord[]
  readonly context: GenerationContext
  /** Files written to after this moment are not history, even if nothing is recorded. */
  readonly startedAtMs: number
  /** Found by the first look after the start, not a later one. */
  readonly isInitial: boolean
  /** Its source was tailed before this start: files that are not recorded have appeared since. */
  readonly isKnownSource: boolean
  /** How long a rotated file must be quiet before its last line counts without a newline. */
  readonly finalQuietMs: number
  /** How long a deleted or rotated file must be quiet while nothing is written to a new one in its place. */
  readonly deletedQuietMs: number
  /** Whether a file, at the live path or beside it, is read by another lineage, which knew it first. */
  isOwnedElsewhere(place: Place, nowMs: number): boolean | Fault
  /** Takes over and returns the records of a file that no lineage handles any more. */
  recall(facts: FileFacts): readonly GenerationRecord[]
}
