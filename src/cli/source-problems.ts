import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import type { SourceConfig } from '../config/config.ts'
import { type KeyWarning, type Origin, warningAt } from '../config/origin.ts'
import type { Problem } from '../config/problem.ts'
import { isDenied, systemError } from '../system/system-error.ts'
import { Fault, nodeFiles } from '../tail/file/files.ts'
import { compileGlob } from '../tail/names/glob.ts'
import { missingDirectory } from '../tail/names/missing-directory.ts'

/**
 * Sources whose files cannot appear or be read, as far as this file system and user show: a missing mount looks like a silent
 * writer.
 */
export function sourceProblems(sources: readonly SourceConfig[], origins: readonly Origin[]): readonly Problem[] {
  return sources.flatMap(({ path }, index) => {
    const fault = faultOf(path)
    const origin = origins[index]
    if (fault === undefined || origin === undefined) return []
    return [warningAt(origin, { key: ['path'], message: `\`path\`: ${fault.message}`, hint: fault.hint })]
  })
}

function faultOf(pattern: string): Pick<KeyWarning, 'message' | 'hint'> | undefined {
  const missing = missingDirectory(pattern, nodeFiles)
  if (missing !== undefined) return { message: missing, hint: 'in a pod: is it mounted there?' }
  const { base, isLiteral } = compileGlob(pattern)
  const directory = isLiteral ? dirname(base) : base
  const hint = 'let the user the agent runs as do so; this was checked as the present user'
  // Rotated files are found by listing it.
  if (isRefused(directory, constants.R_OK | constants.X_OK)) {
    return { message: `the directory ${directory} may not be entered and listed (EACCES)`, hint }
  }
  if (!isLiteral) return undefined
  const facts = nodeFiles.stat(base)
  if (!(facts instanceof Fault) && facts.kind === 'directory') {
    return { message: `${base} is a directory`, hint: `name files in it: ${base}/*.log` }
  }
  return isRefused(base, constants.R_OK) ? { message: `${base} may not be read (EACCES)`, hint } : undefined
}

function isRefused(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return false
  } catch (error) {
    return isDenied(systemError(error))
  }
}
