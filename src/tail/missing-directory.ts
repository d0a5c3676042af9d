import { dirname } from 'node:path'
import { Fault, type Files, isAbsent } from './files.ts'
import { compileGlob } from './glob.ts'

/** Says that the directory is not there in which files that a pattern means would come; undefined when it is, or cannot be seen. */
export function missingDirectory(pattern: string, files: Pick<Files, 'stat'>): string | undefined {
  const { base, isLiteral } = compileGlob(pattern)
  const directory = isLiteral ? dirname(base) : base
  const nearest = nearestThatIs(directory, files)
  if (nearest === directory) return undefined
  return `the directory ${directory} does not exist, the nearest that does is ${nearest}`
}

function nearestThatIs(directory: string, files: Pick<Files, 'stat'>): string {
  const facts = files.stat(directory)
  const isMissing = facts instanceof Fault && isAbsent(facts)
  return isMissing && directory !== dirname(directory) ? nearestThatIs(dirname(directory), files) : directory
}
