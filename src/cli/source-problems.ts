import { accessSync, constants } from 'node:fs'
import { dirname, normalize } from 'node:path'
import type { Config } from '../config/config.ts'
import { type KeyWarning, type Origin, warningAt } from '../config/origin.ts'
import { ownFiles } from '../config/own-files.ts'
import type { Problem } from '../config/problem.ts'
import { isDenied, systemError } from '../system/system-error.ts'
import { Fault, nodeFiles } from '../tail/file/files.ts'
import { compileGlob, compileGlobs } from '../tail/names/glob.ts'
import { missingDirectory } from '../tail/names/missing-directory.ts'

/**
 * Warns of sources whose files cannot appear or be read, as far as this user can see. Otherwise a missing mount would look
 * just like a silent writer.
 */
export function sourceProblems(
  { sources, checkpoint: { runPath } }: Pick<Config, 'sources' | 'checkpoint'>,
  origins: readonly Origin[],
): readonly Problem[] {
  const isOwn = compileGlobs([ownFiles(runPath)])
  return sources.flatMap(({ path }, index) => {
    const fault = isOwn(normalize(path)) ? ownFile : faultOf(path)
    const origin = origins[index]
    if (fault === undefined || origin === undefined) return []
    return [warningAt(origin, { key: ['path'], message: `\`path\`: ${fault.message}`, hint: fault.hint })]
  })
}

type SourceFault = Pick<KeyWarning, 'message' | 'hint'>

const ownFile: SourceFault = {
  message: 'this is a file of the agent itself, in its run path, and is not read',
  hint: 'name another file',
}

function faultOf(pattern: string): SourceFault | undefined {
  const missing = missingDirectory(pattern, nodeFiles)
  if (missing !== undefined) return { message: missing, hint: 'in a pod, is it mounted there?' }
  const { base, isLiteral } = compileGlob(pattern)
  const directory = isLiteral ? dirname(base) : base
  const hint = 'give that right to the user the agent runs as; this was checked as the current user'
  // Rotated files are found by listing the directory.
  if (isRefused(directory, constants.R_OK | constants.X_OK)) {
    return { message: `the directory ${directory} cannot be entered and listed (EACCES)`, hint }
  }
  if (!isLiteral) return undefined
  const facts = nodeFiles.stat(base)
  if (!(facts instanceof Fault) && facts.kind === 'directory') {
    return { message: `${base} is a directory`, hint: `name files in it: ${base}/*.log` }
  }
  return isRefused(base, constants.R_OK) ? { message: `${base} cannot be read (EACCES)`, hint } : undefined
}

function isRefused(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return false
  } catch (error) {
    return isDenied(systemError(error))
  }
}
