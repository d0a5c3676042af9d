import { normalize } from 'node:path'
import { DEAD_LETTER_DIRECTORY, LOCK_FILE, REGISTRY_FILE } from '../run-path.ts'
import type { SourceConfig } from './config.ts'

/** Returns a glob that matches the files an agent writes to its run path. */
export function ownFiles(runPath: string): string {
  return `${literally(runPath)}/{${REGISTRY_FILE}*,${LOCK_FILE}*,${DEAD_LETTER_DIRECTORY}/**}`
}

/**
 * Excludes the agent's own files from a source that reaches into the run path. If tailed, the positions would ship themselves
 * endlessly, because every delivered batch changes them. So would dead letters.
 */
export function withoutOwnFiles(source: SourceConfig, runPath: string): SourceConfig {
  if (!reachesInto(normalize(source.path), runPath)) return source
  return { ...source, excludePaths: [...source.excludePaths, ownFiles(runPath)] }
}

function reachesInto(pattern: string, runPath: string): boolean {
  const [fixed = ''] = /^[^*?[{\\]*/.exec(pattern) ?? []
  const isGlob = fixed !== pattern
  return fixed.startsWith(`${runPath}/`) || (isGlob && `${runPath}/`.startsWith(fixed))
}

/** Escapes a path to a glob that matches nothing else. */
const literally = (path: string) => path.replace(/[\\*?[\]{},]/g, '\\$&')
