import { dirname } from 'node:path'
import { Fault, type Files, isAbsent } from '../file/files.ts'
import { compileGlob } from './glob.ts'

/**
 * Returns a message if the directory in which files of a pattern would appear does not exist; undefined if it does, or
 * cannot be examined.
 */
export function missingDirectory(pattern: string, files: Pick<Files, 'stat'>): string | undefined {
  const { base, isLiteral } = compileGlob(pattern)
  const directory = isLiteral ? dirname(base) : base
  const nearest = nearestThatIs(directory, files)
  if (nearest === directory) return undefined
  return `the directory ${directory} does not exist; the nearest existing parent is ${nearest}`
}

function nearestThatIs(directory: string, files: Pick<Files, 'stat'>): string {
  const facts = files.stat(directory)
  const isMissing = facts instanceof Fault && isAbsent(facts)
  return isMissing && directory !== dirname(directory) ? nearestThatIs(dirname(directory), files) : directory
}
