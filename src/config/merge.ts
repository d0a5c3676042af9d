import type { ConfDocument } from './document.ts'
import type { Problem } from './problem.ts'
import type { Sections, WrittenFile } from './written.ts'

export interface Merged {
  /** The sections of all files; `logs:` and other per-file keys stay with their file. */
  readonly conf: Sections
  /** The file that each section comes from. */
  readonly owners: ReadonlyMap<PropertyKey, ConfDocument>
  readonly problems: readonly Problem[]
}

/** Keys that every file may have, and that are therefore not merged. */
const perFile = ['logs', 'init_config', 'instances']

export function merge(files: readonly WrittenFile[]): Merged {
  const conf: Record<string, unknown> = {}
  const owners = new Map<PropertyKey, ConfDocument>()
  const problems: Problem[] = []
  for (const { document, conf: written } of files) {
    for (const [key, value] of Object.entries(written)) {
      if (value === undefined || perFile.includes(key)) continue
      const owner = owners.get(key)
      if (owner === undefined) {
        conf[key] = value
        owners.set(key, document)
        continue
      }
      const message = `\`${key}\` is already given in ${owner.placeOf([key])}`
      const hint = 'keep one of the two: sections of several files are not combined'
      problems.push(document.problem({ path: [key], at: 'key', severity: 'error', message, hint }))
    }
  }
  return { conf, owners, problems }
}
