import { join } from 'node:path'
import type { ImportedPosition } from '../../src/checkpoint/datadog-import.ts'
import type { GenerationRecord } from '../../src/checkpoint/registry.ts'
import type { Part } from '../../src/chunk.ts'
import type { SourceConfig } from '../../src/config/config.ts'
import type { Log } from '../../src/log.ts'
import type { Files } from '../../src/tail/file/files.ts'
import type { MountPoints } from '../../src/tail/sources/bind-mounts.ts'
import { createTailer, type Tailer } from '../../src/tail/tailer.ts'

export const silentLog: Log = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

export function sourceOf(path: string, more: Partial<SourceConfig> = {}): SourceConfig {
  return {
    integration: 'test',
    path,
    excludePaths: [],
    encoding: 'utf-8',
    startPosition: 'beginning',
    backfill: false,
    maxLineBytes: 1024 * 1024,
    labels: { service: undefined, source: undefined, tags: [] },
    rules: [],
    ...more,
  }
}

export interface Taken {
  readonly lines: readonly string[]
  readonly part: Part
}

export interface RigOptions {
  readonly dir: string
  readonly sources?: readonly SourceConfig[]
  readonly destinations?: readonly string[]
  readonly files?: Files
  readonly log?: Log
  readonly openFilesLimit?: number
  readonly finalQuietMs?: number
  readonly deletedQuietMs?: number
  readonly goneMs?: number
  readonly mountPoints?: MountPoints
  readonly imports?: ReadonlyMap<string, ImportedPosition>
}

const settled = { deadLetteredBytes: 0, truncatedBytes: 0 }

/**
 * A tailer without a clock, and a destination that takes whole lines. `restart` continues from the given records, by default
 * from the current ones, which are what the registry would hold.
 */
export function tailRig(options: RigOptions) {
  const sources = options.sources ?? [sourceOf(join(options.dir, 'audit.log'))]
  const firstAtMs = Date.now()
  const make = (
    records: readonly GenerationRecord[],
    destinations = options.destinations ?? ['main'],
    knownSources: readonly string[] = [],
  ): Tailer =>
    createTailer({
      sources,
      sinceMs: new Map(sources.map(({ path }) => [path, firstAtMs])),
      knownSources: new Set(knownSources),
      destinations,
      records,
      openFilesLimit: options.openFilesLimit ?? 100,
      expireAfterMs: 1e12,
      onChange() {},
      log: options.log ?? silentLog,
      finalQuietMs: options.finalQuietMs ?? 0,
      deletedQuietMs: options.deletedQuietMs ?? 0,
      ...(options.files ? { files: options.files } : {}),
      ...(options.goneMs === undefined ? {} : { goneMs: options.goneMs }),
      ...(options.imports ? { imports: options.imports } : {}),
      mountPoints: options.mountPoints ?? (() => new Set()),
    })
  let tailer = make([])

  async function pass(): Promise<void> {
    await tailer.pass()
    await tailer.idle()
  }

  /** Reads everything readable now, in order. Leaves the parts open if `settle` is false. */
  async function read({ destination = 'main', roomBytes = 4096, settle = true } = {}): Promise<Taken[]> {
    await pass()
    const feed = tailer.feed(destination)
    const taken: Taken[] = []
    for (;;) {
      const room = Buffer.alloc(roomBytes)
      const chunk = await feed.read(room)
      if (!chunk) break
      const end = room.subarray(0, chunk.length).lastIndexOf(10) + 1
      if (end > 0) {
        const part = chunk.take(end)
        taken.push({ lines: room.toString('latin1', 0, end).split('\n').slice(0, -1), part })
      }
      chunk.leave('partial')
    }
    if (settle) for (const { part } of taken) part.settle(settled)
    return taken
  }

  return {
    pass,
    read,
    /** Reads and settles the lines readable now. */
    async lines(destination = 'main'): Promise<string[]> {
      const lines: string[] = []
      // A pass after the last read lets finished generations make room for others.
      for (let quiet = 0; quiet < 3; ) {
        const more = (await read({ destination })).flatMap((taken) => taken.lines)
        lines.push(...more)
        quiet = more.length === 0 ? quiet + 1 : 0
      }
      return lines
    },
    settle: (taken: readonly Taken[]) => {
      for (const { part } of taken) part.settle(settled)
    },
    /** `knownSources`: sources that were tailed before; all by default. */
    async restart(
      records?: readonly GenerationRecord[],
      destinations?: readonly string[],
      knownSources = sources.map(({ path }) => path),
    ): Promise<void> {
      const kept = records ?? structuredClone(tailer.records())
      await tailer.stop()
      tailer.close()
      tailer = make(kept, destinations, knownSources)
    },
    get tailer() {
      return tailer
    },
    async close(): Promise<void> {
      await tailer.stop()
      tailer.close()
    },
  }
}
