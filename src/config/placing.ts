import type { EnvironmentRead } from './environment.ts'
import { environmentPath, type Finding, type Path } from './finding.ts'
import type { Merged } from './merge.ts'
import type { Problem } from './problem.ts'
import { suggestion } from './suggestion.ts'
import type { WrittenFile } from './written.ts'

interface Written {
  readonly files: readonly WrittenFile[]
  readonly merged: Merged
  readonly environment: EnvironmentRead
  /** False if a file, or part of one, could not be read: it may contain what seems absent. */
  readonly complete: boolean
}

/** Turns findings about the merged configuration into problems with file and line. Drops those that only follow from others. */
export function placeFindings(findings: readonly Finding[], written: Written): readonly Problem[] {
  const { files, merged, environment } = written
  return findings.flatMap((finding): readonly Problem[] => {
    if (follows(finding, written)) return []
    const { path } = finding
    if (path[0] === environmentPath[0]) return [environment.problem({ ...finding, path: path.slice(1) })]
    const document = merged.owners.get(path[0] ?? '') ?? files[0]?.document
    return document?.isSure(finding) ? [document.problem(finding)] : []
  })
}

/** Whether a key may be absent only because the part that contains it was refused, misspelt or not read. */
function follows({ at, path }: Finding, { files, environment, complete }: Written): boolean {
  if (at !== 'absent') return false
  if (!complete || environment.refused.some((other) => other.at(-1) === path.at(-1))) return true
  return files
    .flatMap(({ findings }) => findings)
    .some((other) => (other.at === 'key' ? isMisspelt(other.path, path) : mayHold(other.path, path)))
}

/** Whether the refused value may contain what is missing at `path`: one path contains the other, or they are siblings. */
function mayHold(refused: Path, path: Path): boolean {
  if (refused.length === 1 && refused[0] === 'destinations' && path[0] === 'destination') return true
  const parent = path.slice(0, -1)
  if (parent.length > 0 && isPrefix(parent, refused)) return true
  return isPrefix(refused, path) || isPrefix(path, refused)
}

/** Whether an unknown key resembles the missing one or, at the top level, the section of the missing one. */
function isMisspelt(unknown: Path, path: Path): boolean {
  const meant = unknown.length === 1 ? [path[0], path.at(-1)] : [path.at(-1)]
  return meant.some((key) => suggestion(String(unknown.at(-1)), [String(key)]) !== undefined)
}

const isPrefix = (short: Path, long: Path) => short.every((step, index) => step === long[index])
