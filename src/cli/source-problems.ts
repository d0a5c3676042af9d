import type { SourceConfig } from '../config/config.ts'
import { type Origin, warningAt } from '../config/origin.ts'
import type { Problem } from '../config/problem.ts'
import { nodeFiles } from '../tail/files.ts'
import { missingDirectory } from '../tail/missing-directory.ts'

/** Sources whose files cannot appear, as far as this file system shows: a missing mount looks like a silent writer. */
export function sourceProblems(sources: readonly SourceConfig[], origins: readonly Origin[]): readonly Problem[] {
  return sources.flatMap(({ path }, index) => {
    const missing = missingDirectory(path, nodeFiles)
    const origin = origins[index]
    if (missing === undefined || origin === undefined) return []
    return [
      warningAt(origin, { key: ['path'], message: `\`path\`: ${missing}`, hint: 'in a pod: is it mounted there?' }),
    ]
  })
}
