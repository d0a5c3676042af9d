import type { Origin } from '../chunk.ts'
import type { Config } from '../config/config.ts'
import { longestLineOf } from '../config/sources.ts'
import type { DeadLetterEntry } from '../ship/dead-letter/entry.ts'
import { compileGlob, compileGlobs } from '../tail/names/glob.ts'

/** An entry names its file; the source that matches that file now provides the rest of its origin. */
export function originsOf(config: Config): (entry: DeadLetterEntry) => Origin {
  const matchers = config.sources.map((source) => {
    const [wanted, excluded] = [compileGlob(source.path), compileGlobs(source.excludePaths)]
    return { source, matches: (path: string) => wanted.matches(path) && !excluded(path) }
  })
  const known = new Map<string, Origin>()
  return ({ path }) => {
    const origin = known.get(path) ?? make(path)
    known.set(path, origin)
    return origin
  }
  function make(path: string): Origin {
    const source = matchers.find(({ matches }) => matches(path))?.source
    const labels = source?.labels ?? { service: undefined, source: undefined, tags: [] }
    return { id: path, path, labels, maxLineBytes: source?.maxLineBytes ?? longestLineOf(config.sources) }
  }
}
