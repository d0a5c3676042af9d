import { normalize } from 'node:path'
import type { Path } from './finding.ts'
import type { Problem } from './problem.ts'
import type { SourceConf } from './schema.ts'
import type { WrittenFile } from './written.ts'

interface Item {
  readonly file: WrittenFile
  readonly conf: SourceConf
  /** The location of its `path`. */
  readonly path: Path
}

/** Warns of `logs:` items that match only files of an earlier item: a file is read for the first item that matches it. */
export function samePathProblems(files: readonly WrittenFile[]): readonly Problem[] {
  const byPath = Map.groupBy(files.flatMap(itemsOf), ({ conf }) => normalize(conf.path))
  return [...byPath.values()].flatMap((items) => {
    const [first] = items
    return items.flatMap((item) => (first && item !== first && covers(first, item) ? [warning(first, item)] : []))
  })
}

function itemsOf(file: WrittenFile): readonly Item[] {
  return file.sources.flatMap(({ conf, findings }, index) =>
    conf === undefined || findings.some(({ severity }) => severity === 'error')
      ? []
      : [{ file, conf, path: ['logs', index, 'path'] }],
  )
}

/** Whether the first item reads every file that the other one matches; their paths are equal. */
function covers(first: Item, { conf }: Item): boolean {
  return (first.conf.exclude_paths ?? []).every((path) => conf.exclude_paths?.includes(path))
}

function warning(first: Item, { file, path }: Item): Problem {
  const place = first.file.document.placeOf(first.path)
  const message = `\`path\` is the same as in ${place}: that item reads the files, and this one reads nothing`
  return file.document.problem({ path, at: 'value', severity: 'warning', message, hint: 'keep one of the two' })
}
