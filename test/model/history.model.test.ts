import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { GenerationRecord } from '../../src/checkpoint/registry.ts'
import { type Files, nodeFiles } from '../../src/tail/file/files.ts'
import { birthless, faultyFiles } from '../support/faulty-files.ts'
import { moment } from '../support/moment.ts'
import { sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'
import { propertyRuns, seed } from './property-runs.ts'

const setting = fc
  .record({
    startPosition: fc.constantFrom('beginning' as const, 'end' as const),
    hasBirth: fc.boolean(),
    /** Whether each file begins with the same line, longer than a fingerprint. */
    hasBanner: fc.boolean(),
    live: fc.constantFrom('absent' as const, 'empty' as const, 'old' as const),
    /** Whether each rotated file is packed, youngest first. */
    history: fc.array(fc.boolean(), { maxLength: 4 }),
    /** Whether reading rotated files is refused at first. */
    isRefused: fc.boolean(),
    /** Whether the registry is written while the first archive is still being inspected. */
    savesEarly: fc.boolean(),
  })
  .map((chosen) => {
    const isLate = chosen.isRefused || chosen.savesEarly
    // Files that could not be inspected at first are read if in markDirty: without birth times, or if a sought file begins alike.
    const hasBanner = chosen.hasBanner && !isLate
    // Without birth times, files that begin alike differ only in their inodes, which are reused.
    return { ...chosen, hasBanner, hasBirth: chosen.hasBirth || isLate || hasBanner }
  })
type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant('append') },
  { weight: 3, arbitrary: fc.constant('read') },
  { weight: 2, arbitrary: fc.constantFrom('rotate', 'rotate and create', 'pack the youngest', 'pack the oldest') },
  fc.constantFrom('copytruncate', 'copytruncate over', 'packtruncate', 'append late', 'remove the oldest'),
  fc.constantFrom('save', 'crash', 'restart', 'allow', 'look'),
)

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

test(`what was rotated before the first start is not delivered, what comes after it is (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(setting, fc.array(step, { maxLength: 20 }), async (chosen, steps) => {
      using dir = tempDir()
      const world = createWorld(dir.path, chosen)
      await world.start()
      for (const happening of [...steps, 'allow', 'read', 'restart', 'read']) await world.happen(happening)
      await world.close()
      const { read, written, history } = world
      expect(read.filter((line) => history.includes(line))).toEqual([])
      const delivered = world.hasCrashed ? [...new Set(read)] : read
      expect(delivered.toSorted()).toEqual(written.toSorted())
    }),
    propertyRuns(100),
  )
}, 1_800_000)

/** A log with numbered rotated files, and the agent that tails it. */
function createWorld(dir: string, { hasBanner, hasBirth, history: packed, isRefused, ...chosen }: Setting) {
  const at = (end = '') => join(dir, `app.log${end}`)
  const history: string[] = []
  const written: string[] = []
  const read: string[] = []
  const faulty = faultyFiles()
  /** Rotated files, youngest first. */
  let rotated: { packed: boolean; isCopy: boolean }[] = []
  let lines = 0
  let isOpen = !isRefused
  let hasCrashed = false
  let saved: readonly GenerationRecord[] | undefined
  let tail: ReturnType<typeof tailRig>

  const nameOf = (index: number) => `.${index + 1}${rotated[index]?.packed ? '.gz' : ''}`

  function append(end: string, into: string[]): void {
    const isNew = !existsSync(at(end)) || readFileSync(at(end)).length === 0
    lines += 1
    const line = `line ${lines}`
    appendFileSync(at(end), `${isNew && hasBanner ? `${'#'.repeat(1500)}\n` : ''}${line}\n`)
    into.push(line)
  }

  function pack(index: number): void {
    const file = rotated[index]
    if (!file || file.packed || !isOpen) return
    const { mtimeMs } = nodeFiles.stat(at(nameOf(index))) as { mtimeMs: number }
    writeFileSync(at(`${nameOf(index)}.gz`), gzipSync(readFileSync(at(nameOf(index)))))
    rmSync(at(nameOf(index)))
    file.packed = true
    utimesSync(at(nameOf(index)), mtimeMs / 1000, mtimeMs / 1000)
  }

  /** Renames the rotated files to make room for a new youngest one, and returns its path. */
  function shift(isPacked: boolean, isCopy: boolean): string {
    for (let index = rotated.length - 1; index >= 0; index -= 1) {
      renameSync(at(nameOf(index)), at(nameOf(index).replace(/\d+/, `${index + 2}`)))
    }
    rotated = [{ packed: isPacked, isCopy }, ...rotated]
    return at(nameOf(0))
  }

  async function readAll(): Promise<void> {
    vi.advanceTimersByTime(60_000)
    read.push(...(await tail.lines()).filter((line) => !line.startsWith('#')))
  }

  function write(): void {
    for (const [index, isPacked] of packed.entries()) {
      rotated.push({ packed: false, isCopy: false })
      append(nameOf(index), history)
      utimesSync(at(nameOf(index)), new Date(), new Date(Date.now() - (index + 1) * 3_600_000))
      if (isPacked) pack(index)
    }
    if (chosen.live === 'old') append('', chosen.startPosition === 'end' ? history : written)
    if (chosen.live === 'empty') writeFileSync(at(), '')
  }

  async function start(): Promise<void> {
    isOpen = true
    write()
    isOpen = !isRefused
    await moment(dir)
    if (isRefused) faulty.refuse(['open'], 'EACCES', (path) => /\.log\./.test(path))
    const early = () => {
      if (chosen.savesEarly) saved ??= structuredClone(tail.tailer.records())
    }
    const files = onRead(hasBirth ? faulty.files : birthless(faulty.files), early)
    tail = tailRig({ dir, files, sources: [sourceOf(at(), { startPosition: chosen.startPosition })] })
    await tail.pass()
    saved ??= structuredClone(tail.tailer.records())
    await moment(dir)
  }

  async function happen(happening: string): Promise<void> {
    const hasLive = existsSync(at())
    switch (happening) {
      case 'append':
        append('', written)
        break
      case 'append late':
        if (isOpen && rotated[0]?.packed === false && !rotated[0].isCopy) append(nameOf(0), written)
        break
      case 'read':
        await readAll()
        break
      case 'look':
        await tail.pass()
        break
      case 'rotate':
      case 'rotate and create':
        if (hasLive) renameSync(at(), shift(false, false))
        if (hasLive && happening !== 'rotate') writeFileSync(at(), '')
        break
      case 'pack the youngest':
        pack(0)
        break
      case 'pack the oldest':
        pack(rotated.length - 1)
        break
      case 'copytruncate':
        if (hasLive) copyFileSync(at(), shift(false, true))
        if (hasLive) truncateSync(at())
        break
      case 'copytruncate over': {
        const [youngest] = rotated
        if (!hasLive || !isOpen || !youngest || youngest.packed) break
        // Nothing shows that a copy over an empty file is a copy.
        if (readFileSync(at(nameOf(0))).length === 0) break
        await readAll()
        append('', written)
        copyFileSync(at(), at(nameOf(0)))
        youngest.isCopy = true
        truncateSync(at())
        break
      }
      case 'packtruncate':
        if (hasLive) writeFileSync(shift(true, true), gzipSync(readFileSync(at())))
        if (hasLive) truncateSync(at())
        break
      case 'remove the oldest':
        await readAll()
        if (isOpen && rotated.length > 0) rmSync(at(nameOf(rotated.length - 1)))
        if (isOpen) rotated.pop()
        break
      case 'save':
        saved = structuredClone(tail.tailer.records())
        break
      case 'crash':
        hasCrashed = true
        await tail.restart(saved)
        break
      case 'restart':
        await tail.restart()
        break
      case 'allow':
        faulty.allow()
        isOpen = true
        vi.advanceTimersByTime(60_000)
        await tail.pass()
        // A file not inspected before the agent dies is known only by its inode, and not recognised once packed.
        if (isRefused) saved = structuredClone(tail.tailer.records())
    }
  }

  return {
    read,
    written,
    history,
    start,
    happen,
    close: () => tail.close(),
    get hasCrashed() {
      return hasCrashed
    },
  }
}

/** Calls `then` at every asynchronous read, which only archives use. */
function onRead(files: Files, then: () => void): Files {
  return {
    ...files,
    read: (fd, into, position) => {
      then()
      return files.read(fd, into, position)
    },
  }
}
