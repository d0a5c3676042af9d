import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEventSource, identityOf } from '../../src/demo/events/events.ts'
import { createWriter, type Writer, type WriterOptions } from '../../src/demo/writer.ts'
import { until } from '../support/until.ts'
import { isRunning } from './processes.ts'

let root: string
let backups: string[]
let failures: string[]
let children: ChildProcess[]

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'writer-'))
  backups = []
  failures = []
  children = []
})

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(root, { recursive: true })
})

function newWriter(options: Partial<WriterOptions> = {}): Writer {
  return createWriter({
    seed: 3,
    path: join(root, 'audit.log'),
    maxSizeBytes: 200_000,
    maxBackups: 0,
    eventsPerSecond: 2000,
    onStart: (child) => children.push(child),
    onRotation: (backup) => backups.push(backup),
    onFailure: (reason) => failures.push(reason),
    ...options,
  })
}

/** Live file last: the timestamps sort before the extension. */
function physicalLines(): string[] {
  const files = readdirSync(root).sort((a, b) => (a === 'audit.log' ? 1 : b === 'audit.log' ? -1 : a < b ? -1 : 1))
  return files.flatMap((file) => readFileSync(join(root, file), 'utf8').split('\n').slice(0, -1))
}

describe('a writer', () => {
  it('writes and rotates in a process of its own, and accounts for every line', async () => {
    const writer = newWriter()
    writer.start()
    await until(() => backups.length >= 2)
    await writer.stop()
    const lines = physicalLines()
    expect([...writer.written.lines]).toEqual(lines.map((line) => [identityOf(line), crc32(line)]))
    expect(writer.written.bytes).toBe(lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0))
    expect(writer.written.rotations).toBe(backups.length)
    expect(failures).toEqual([])
  })

  it('rotates on command', async () => {
    const writer = newWriter({ maxSizeBytes: 100_000_000 })
    writer.start()
    await until(() => writer.written.lines.size > 0)
    writer.rotate()
    await until(() => backups.length === 1)
    await writer.stop()
    expect(readdirSync(root)).toHaveLength(2)
  })

  it('dies in the middle of an event; the next one goes on with the next event, on the same line', async () => {
    const writer = newWriter({ maxSizeBytes: 100_000_000 })
    writer.start()
    await until(() => writer.written.lines.size > 0)
    await writer.crash()
    const before = writer.written.lines.size
    writer.start()
    await until(() => writer.written.lines.size > before)
    await writer.stop()

    const source = createEventSource(3)
    const identities = Array.from({ length: writer.written.lines.size + 1 }, () => identityOf(source.next()))
    const [torn] = writer.written.torn
    expect(torn?.identity).toBe(identities[before])
    expect([...writer.written.lines.keys()]).toEqual(identities.toSpliced(before, 1))
    const glued = physicalLines()[before] ?? ''
    expect(identityOf(glued)).toBe(torn?.identity)
    expect(identityOf(glued.slice(torn?.bytes))).toBe(identities[before + 1])
    expect(failures).toEqual([])
  })

  it('tells when it ended by itself', async () => {
    newWriter({ path: '/dev/null/audit.log' }).start()
    await until(() => failures.length > 0)
    expect(failures).toEqual([expect.stringMatching(/^the writer exited unexpectedly: Error: .*\/dev\/null/)])
  })

  it('does not outlive its parent', async () => {
    const parent = fork(join(import.meta.dirname, 'programs', 'writer-parent.ts'), [root], { execArgv: [] })
    children.push(parent)
    const writerPid = await new Promise<number>((resolve) => parent.once('message', (pid: number) => resolve(pid)))
    parent.kill('SIGKILL')
    await until(() => !isRunning(writerPid))
  })
})
