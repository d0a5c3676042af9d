import type { ImportedPosition } from '../../checkpoint/datadog-import.ts'
import type { GenerationRecord } from '../../checkpoint/registry.ts'
import type { SourceConfig } from '../../config/config.ts'
import type { Log } from '../../log.ts'
import { Fault, type Files } from '../file/files.ts'
import type { DirectoryListings } from '../names/directory-listings.ts'
import { importPosition } from './imported-position.ts'

export interface ImportsOptions {
  /** Positions of another agent, by path. */
  readonly imports: ReadonlyMap<string, ImportedPosition>
  readonly destinations: readonly string[]
  readonly files: Files
  readonly listings: DirectoryListings
  readonly log: Log
}

/** Returns what another agent knew of a path, as if this one had recorded it; a fault if the files cannot be examined now. */
export type Imports = (path: string, source: SourceConfig, nowMs: number) => readonly GenerationRecord[] | Fault

export function createImports({ imports, destinations, files, listings, log }: ImportsOptions): Imports {
  return (path, { encoding }, nowMs) => {
    const position = imports.get(path)
    if (!position) return []
    const imported = importPosition(path, position, { files, listings, encoding, destinations, nowMs })
    if (imported instanceof Fault) return imported
    const { home, records } = imported
    if (records.length === 0) return []
    if (home !== undefined) log.info({ path, file: home, position: position.offset }, 'position imported')
    else {
      log.warn(
        { path, position: position.offset },
        'the imported position is in none of the files there are now: the live file is read from its beginning',
      )
    }
    return records
  }
}
