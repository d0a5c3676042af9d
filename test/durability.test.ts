import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { tempDir } from './support/temp-dir.ts'

const program = fileURLToPath(new URL('support/durable-writes.ts', import.meta.url))
const kept = new Set(['open', 'write', 'fsync', 'rename', 'mkdir'])

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly ts: number
  readonly args: { readonly path?: string }
}

/** What a process of its own does to files below `dir`, by Node's own trace: it does one thing at a time. */
function callsOf(what: string, dir: string): string[] {
  const trace = join(dir, 'trace.log')
  const flags = ['--trace-event-categories', 'node.fs.async', '--trace-event-file-pattern', trace]
  execFileSync(process.execPath, [...flags, program, what, join(dir, 'made')])
  const { traceEvents }: { traceEvents: readonly TraceEvent[] } = JSON.parse(readFileSync(trace, 'utf8'))
  const begun = traceEvents.filter(({ ph, name }) => ph === 'b' && kept.has(name)).sort((a, b) => a.ts - b.ts)
  let opened = ''
  return begun.flatMap(({ name, args }) => {
    const path = args.path === undefined ? '' : ` ${relative(dir, args.path)}`
    if (name === 'open') opened = path
    return name === 'open' ? [] : [`${name}${path || opened}`]
  })
}

test('a dead letter is durable, and so are its name and the names that lead to it', () => {
  using dir = tempDir()
  const calls = callsOf('dead-letter', dir.path)
  const segment = 'made/dead-letter/00000001.ndjson'
  expect(calls.slice(-4)).toEqual(['fsync made', 'fsync made/dead-letter', `write ${segment}`, `fsync ${segment}`])
  expect(calls.filter((call) => call.startsWith('fsync'))).toContain('fsync ')
})

test('a state is durable before it gets its name, and its name after that', () => {
  using dir = tempDir()
  const calls = callsOf('store', dir.path)
  const written = calls.slice(calls.indexOf('write made/registry.json.tmp'))
  expect(written.filter((call) => !call.startsWith('write'))).toEqual([
    'fsync made/registry.json.tmp',
    'rename made/registry.json.tmp',
    'fsync made',
  ])
})
