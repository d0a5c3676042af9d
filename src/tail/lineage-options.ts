import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { SourceConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import type { DirectoryListings } from './directory-listings.ts'
import type { Fault, FileFacts, Files } from './files.ts'
import type { GenerationContext } from './generation.ts'
import type { Place } from './place.ts'

export interface LineageOptions {
  /** The live path, as discovered. */
  readonly path: string
  readonly source: SourceConfig
  readonly files: Files
  readonly listings: DirectoryListings
  readonly log: Log
  readonly records: readonly GenerationRecord[]
  readonly context: GenerationContext
  /** Written to after this moment: not history, even where nothing is recorded. */
  readonly startedAtMs: number
  /** Found by the first look after the start, as against one that appeared later. */
  readonly isInitial: boolean
  /** Its source was tailed before this start: what is not recorded has come since. */
  readonly isKnownSource: boolean
  /** How long a rotated file must be quiet before its last line counts without a newline. */
  readonly finalQuietMs: number
  /** How long a deleted or rotated file must be quiet while nothing is written to a new one in its place. */
  readonly deletedQuietMs: number
  /** Whether a file, at the live path or beside it, is read by another lineage, to which it was known first. */
  isElsewhere(place: Place, nowMs: number): boolean | Fault
  /** What was recorded of a file that no lineage looks after any more; it is this one's from now on. */
  recall(facts: FileFacts): readonly GenerationRecord[]
}
