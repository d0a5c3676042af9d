import type { SourceConfig } from '../../config/config.ts'
import type { Fault, Files } from '../file/files.ts'
import { textOf } from '../generation/decisions.ts'
import type { Lineage } from '../lineage/lineage.ts'
import { missingDirectory } from '../names/missing-directory.ts'
import type { GoneFile } from './missing.ts'

export interface SourceView {
  readonly source: SourceConfig
  readonly lineages: readonly Lineage[]
  /** Lineages of paths that it matches but that are read for other sources. */
  readonly elsewhere: readonly Lineage[]
  /** Unread files that disappeared while the agent was down. */
  readonly gone: readonly GoneFile[]
  readonly faults: readonly Fault[]
  /** What the operator should know although nothing fails. */
  readonly warnings: readonly string[]
  /** Why there may be no file; evaluated on each call. */
  missingDirectory(): string | undefined
}

interface Viewed {
  readonly config: SourceConfig
  readonly lineages: ReadonlyMap<string, Lineage>
  readonly faults: readonly Fault[]
  /** Paths that it matches but that are read for another source. */
  readonly taken: ReadonlyMap<string, Lineage>
  /** Warnings for files that are mounted on their own, by path. */
  readonly mounted: ReadonlyMap<string, string>
  readonly gone: readonly GoneFile[]
}

/** How many warnings of one kind are listed; the others are only counted. */
const MAX_NAMED = 3

export function viewOf({ config, lineages, faults, taken, mounted, gone }: Viewed, files: Files): SourceView {
  return {
    source: config,
    lineages: [...lineages.values()],
    elsewhere: [...taken.values()],
    gone,
    faults: [...faults, ...[...lineages.values()].flatMap(({ generations: { refusal } }) => refusal ?? [])],
    warnings: [...mounted.values(), ...takenWarnings(taken), ...unreadableWarnings(lineages.values())],
    missingDirectory: () => missingDirectory(config.path, files),
  }
}

function takenWarnings(taken: ReadonlyMap<string, Lineage>): readonly string[] {
  const warnings = [...taken].map(([path, lineage]) => {
    const { source } = lineage.options
    return `${path} is read for ${source.path} (${source.integration}), which means it, too`
  })
  return shortened(warnings, 'of its files are read for other sources')
}

function unreadableWarnings(lineages: Iterable<Lineage>): readonly string[] {
  const unreadable = [...lineages].flatMap(({ generations: { decisions } }) => [
    ...decisions.damaged,
    ...decisions.refused,
  ])
  return shortened(unreadable.map(textOf), 'rotated files cannot be read')
}

function shortened(warnings: readonly string[], what: string): readonly string[] {
  const more = warnings.length - MAX_NAMED
  return more > 0 ? [...warnings.slice(0, MAX_NAMED), `${more} more ${what}`] : warnings
}
