import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** Every module that loading `file` loads by static imports: sources by their path below src/, the others by their name. */
function loadedBy(...files: string[]): string[] {
  const root = new URL('../../src/', import.meta.url)
  const seen = new Set<string>()
  const visit = (url: URL): void => {
    seen.add(url.href.slice(root.href.length))
    const code = readFileSync(url, 'utf8')
    for (const [, specifier = ''] of code.matchAll(/^(?:import|export)(?! type\b)(?:[\w\s{},*]+ from)? '([^']+)'$/gm)) {
      const next = specifier.startsWith('.') ? new URL(specifier, url) : undefined
      if (next === undefined) seen.add(specifier)
      else if (!seen.has(next.href.slice(root.href.length))) visit(next)
    }
  }
  for (const file of files) visit(new URL(file, root))
  return [...seen].sort()
}

describe('a probe loads', () => {
  it('these modules and no more for `status --check`', () => {
    expect(loadedBy('main.ts', 'cli/status.ts')).toEqual([
      'cli/arguments.ts',
      'cli/color.ts',
      'cli/commands.ts',
      'cli/dispatch.ts',
      'cli/find-run-path.ts',
      'cli/health.ts',
      'cli/status.ts',
      'io.ts',
      'json.ts',
      'main.ts',
      'node:fs',
      'node:net',
      'node:path',
      'observe/agent-socket.ts',
      'observe/line.ts',
      'observe/socket-path.ts',
      'run-path.ts',
    ])
  })

  it('no package for the whole status, and of Node only what is small', () => {
    const loaded = loadedBy(
      'main.ts',
      'cli/status.ts',
      'cli/status-view.ts',
      'cli/watch.ts',
      'cli/health.ts',
      'version.ts',
    )
    expect(loaded.filter((name) => !name.endsWith('.ts'))).toEqual([
      'node:fs',
      'node:net',
      'node:path',
      'node:timers/promises',
    ])
  })
})
