import { normalize } from 'node:path'
import type { SourceConfig } from './config.ts'

/** A glob of what an agent writes to its run path. */
export function ownFiles(runPath: string): string {
  return `${literally(runPath)}/{registry.json*,agent.lock*,dead-letter/**}`
}

/**
 * Leaves an agent's own files out of a source that reaches into the run path. Every batch that is delivered changes the
 * positions there: tailed, they would ship themselves without end, and so would dead letters.
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

/** A glob that means this path and no other. */
const literally = (path: string) => path.replace(/[\\*?[\]{},]/g, '\\$&')
