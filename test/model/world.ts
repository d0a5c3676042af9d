import { vi } from 'vitest'
import { FINGERPRINT_BYTES, type GenerationRecord } from '../../src/checkpoint/registry.ts'
import type { Chunk, Part } from '../../src/chunk.ts'
import type { Log } from '../../src/log.ts'
import { Fault, type Files, nodeFiles } from '../../src/tail/file/files.ts'
import { createTailer, type Tailer } from '../../src/tail/tailer.ts'
import { silentLog, sourceOf } from '../support/tail-rig.ts'
import { Disk, LIVE, type Piece } from './disk.ts'
import { Law } from './law.ts'

export interface WorldOptions {
  readonly dir: string
  readonly names: 'stamps' | 'numbers'
  readonly appends: boolean
  readonly bannerBytes: number
  readonly destinations: readonly string[]
  /** Whether an unterminated last line of a rotated file counts immediately; otherwise it never does. */
  readonly isQuickFinal: boolean
  /** Whether the file system has birth times. */
  readonly hasBirth: boolean
  readonly openFilesLimit: number
}

export type FaultyCall = 'open' | 'read' | 'stat' | 'list'

interface Held {
  readonly part: Part
  readonly settle: () => void
}

interface Destination {
  readonly name: string
  readonly law: Law
  inFlight: Held[]
}

const outcome = { deadLetteredBytes: 0, truncatedBytes: 0 }

/** fstat works even when the disk is gone, because the kernel keeps the inode. */
function unlessEio(fault: Fault | undefined): Fault | undefined {
  return fault?.code === 'EIO' ? undefined : fault
}

/** A disk, a tailer, and its destinations, checked against the law. */
export class World {
  readonly disk: Disk
  readonly #options: WorldOptions
  readonly #destinations: readonly Destination[]
  readonly #files: Files
  readonly #losses: unknown[] = []
  /** Whether files begin alike and have no birth times, so that it may be impossible to tell them apart. */
  readonly #areAlike: boolean
  #isQuickFinal: boolean
  readonly #open = new Set<number>()
  readonly #archives = new Set<number>()
  #onArchiveRead: (() => Promise<void>) | undefined
  #faulty: FaultyCall | undefined
  /** Descriptors that fail for good, and the fault they fail with. */
  readonly #dead = new Map<number, Fault>()
  /** Whether the tailer may hold files open through dead descriptors. */
  #isRemounted = false
  #tailer: Tailer
  #saved: readonly GenerationRecord[] = []

  constructor(options: WorldOptions) {
    this.#options = options
    this.#isQuickFinal = options.isQuickFinal
    this.#areAlike = !options.hasBirth && options.bannerBytes > FINGERPRINT_BYTES
    this.disk = new Disk({
      ...options,
      keepsInodes: this.#areAlike,
      banner: '#'.repeat(options.bannerBytes),
      onGone: (pieces) => this.#lose(pieces),
    })
    this.#destinations = options.destinations.map((name) => ({
      name,
      law: new Law(name, this.disk),
      inFlight: [],
    }))
    this.#files = this.#decorated()
    this.#tailer = this.#start()
  }

  async pass(): Promise<void> {
    if (this.#faulty === undefined) vi.advanceTimersByTime(5000)
    await this.#tailer.pass()
    await this.#tailer.idle()
    const isUnread = (piece: Piece) => this.#destinations.some(({ law }) => law.isUnread(piece))
    // With a long banner, the tailer waits for files that are not final: they may be copies still being written.
    const isClear = this.#isQuickFinal || this.#options.bannerBytes < 1000
    const isSound = this.#faulty === undefined && !this.#isRemounted
    const canHold = isSound && this.#options.openFilesLimit > 50 && isClear
    this.disk.noteHeld((piece) => canHold && isUnread(piece))
  }

  /** Reads up to `reads` times, and takes up to `lines` lines of each chunk. `meanwhile` runs between reading and taking. */
  async read(
    index: number,
    { reads, roomBytes, lines }: { reads: number; roomBytes: number; lines: number },
    meanwhile: () => Promise<void> = async () => {},
  ): Promise<boolean> {
    const destination = this.#destinations[index % this.#destinations.length]
    if (!destination) throw new Error('there is no destination')
    for (let count = 0; count < reads; count += 1) {
      const room = Buffer.alloc(roomBytes)
      const chunk = await this.#tailer.feed(destination.name).read(room)
      if (!chunk) return count > 0
      await meanwhile()
      await this.#take(destination, { chunk, room, lines })
    }
    return true
  }

  /** A pass that is slow enough for `meanwhile` to run in it, at the given block read from archives. */
  async passSlowly(blocks: number, meanwhile: () => Promise<unknown>): Promise<void> {
    let left = blocks
    let begun: Promise<unknown> | undefined
    this.#onArchiveRead = async () => {
      left -= 1
      if (left !== 0) return
      begun = meanwhile()
      await begun
    }
    await this.pass()
    this.#onArchiveRead = undefined
    await begun
  }

  /** A pass that sees a copy still being written. */
  async copySlowly(isBegun: boolean): Promise<void> {
    // If files need not be quiet, half a copy counts as a whole one.
    await this.disk.copySlowly(isBegun && !this.#isQuickFinal ? 0.5 : 0, () => this.pass())
  }

  /** Settles the parts in flight that `picks` selects, in that order. */
  settle(index: number, picks: readonly number[]): void {
    const destination = this.#destinations[index % this.#destinations.length]
    for (const pick of picks) {
      const [held] = destination?.inFlight.splice(pick % Math.max(1, destination.inFlight.length), 1) ?? []
      if (!held) return
      held.part.settle(pick % 5 === 0 ? { ...outcome, deadLetteredBytes: 1 } : outcome)
      held.settle()
    }
  }

  save(): void {
    this.#saved = structuredClone(this.#tailer.records())
    for (const { law } of this.#destinations) law.save()
  }

  async crash(): Promise<void> {
    await this.#stop()
    for (const destination of this.#destinations) {
      destination.inFlight = []
      destination.law.crash()
    }
    this.#dropUnlinked()
    this.#isRemounted = false
    this.#tailer = this.#start()
  }

  fail(call: FaultyCall | undefined): void {
    // Long enough that what was refused is retried.
    if (call === undefined && this.#faulty !== undefined) vi.advanceTimersByTime(30_000)
    this.#faulty = call
  }

  /** Paths keep working; existing descriptors fail. */
  remount(code: string): void {
    for (const fd of this.#open) this.#dead.set(fd, new Fault(code, `${code}: an old descriptor`))
    this.#isRemounted = true
    this.#dropUnlinked()
  }

  #dropUnlinked(): void {
    this.disk.dropUnlinked()
    this.#lose(this.disk.lines.flatMap(({ pieces }) => pieces.filter((piece) => !this.disk.isSomewhere(piece))))
  }

  /** Checks that everything that can be delivered is delivered, and nothing is reported lost without cause. */
  async conclude(): Promise<void> {
    this.fail(undefined)
    this.disk.finishCompressing()
    this.disk.finishLines()
    await this.#drain()
    this.save()
    // Incomplete lines that can no longer be completed are delivered, too.
    this.#isQuickFinal = true
    await this.crash()
    await this.#drain()
    for (const { name, law } of this.#destinations) {
      const missing = law.missing(this.disk.lines).map((text) => text.slice(0, 40))
      if (missing.length > 0) throw new Error(`${name} never got ${JSON.stringify(missing)}`)
    }
    const sought = this.#tailer
      .view()
      .flatMap(({ lineages }) =>
        lineages.flatMap(({ generations }) =>
          generations.unplaced.filter(({ finished, lossReported }) => !finished && !lossReported),
        ),
      )
    if (sought.length > 0)
      throw new Error(`sought without end: ${JSON.stringify(sought.map(({ lastPath }) => lastPath))}`)
    if (this.#losses.length > 0 && !this.disk.mayLose && !this.#areAlike)
      throw new Error(`reported lost, but nothing is: ${JSON.stringify(this.#losses)}`)
  }

  async #drain(): Promise<void> {
    for (let quiet = 0; quiet < 4; ) {
      await this.pass()
      let isQuiet = true
      for (const index of this.#destinations.keys()) {
        while (await this.read(index, { reads: 1, roomBytes: 4096, lines: Number.POSITIVE_INFINITY })) isQuiet = false
        for (const { part, settle } of this.#destinations[index]?.inFlight.splice(0) ?? []) {
          part.settle(outcome)
          settle()
        }
      }
      quiet = isQuiet ? quiet + 1 : 0
    }
  }

  async close(): Promise<void> {
    this.disk.close()
    await this.#stop()
  }

  async #take(
    { law, inFlight }: Destination,
    { chunk, room, lines }: { chunk: Chunk; room: Buffer; lines: number },
  ): Promise<void> {
    const texts: string[] = []
    let end = 0
    let nuls = 0
    let isEnough = false
    let isPartial = false
    while (end < chunk.length && !isEnough) {
      const from = end
      while (end < chunk.length && room[end] === 0) end += 1
      nuls += end - from
      const newline = room.subarray(0, chunk.length).indexOf(10, end)
      if (newline >= 0) {
        texts.push(room.toString('latin1', end, newline))
        end = newline + 1
      } else if (chunk.length >= room.length && end < chunk.length) {
        const long = await chunk.lineFrom(end)
        isPartial = long.kind === 'partial'
        if (long.kind === 'partial') break
        const pieces: Uint8Array[] = []
        for await (const piece of long.pieces()) pieces.push(piece)
        texts.push(Buffer.concat(pieces).toString('latin1'))
        end = long.next
      } else break
      isEnough = texts.length >= lines
    }
    if (end > 0) {
      const settle = law.deliver(
        chunk.origin.id,
        texts.filter((text) => text !== '' && !/^#+$/.test(text)),
      )
      inFlight.push({ part: chunk.take(end, nuls > 0 ? { 'nul-run': nuls } : {}), settle })
    }
    chunk.leave(isEnough || (chunk.length >= room.length && !isPartial) ? 'unread' : 'partial')
  }

  #lose(pieces: readonly Piece[]): void {
    for (const { law } of this.#destinations) law.lose(pieces)
  }

  async #stop(): Promise<void> {
    await this.#tailer.stop()
    this.#tailer.close()
    if (this.#open.size !== 0) throw new Error(`${this.#open.size} files were not closed`)
  }

  #start(): Tailer {
    const log: Log = { ...silentLog, error: (fields) => void this.#losses.push(fields) }
    return createTailer({
      sources: [sourceOf(this.disk.path(LIVE), { backfill: true })],
      destinations: this.#options.destinations,
      records: structuredClone(this.#saved),
      openFilesLimit: this.#options.openFilesLimit,
      expireAfterMs: 1e12,
      onChange() {},
      log,
      files: this.#files,
      finalQuietMs: this.#isQuickFinal ? 0 : 1e12,
      deletedQuietMs: this.#isQuickFinal ? 0 : 1e12,
    })
  }

  #decorated(): Files {
    const fails = (call: FaultyCall) => this.#faulty === call
    const fault = new Fault('EIO', 'a fault of the disk')
    const birthless = <T>(facts: T): T =>
      this.#options.hasBirth || facts instanceof Fault ? facts : { ...facts, birth: '0' }
    return {
      stat: (path) => (fails('stat') ? fault : birthless(nodeFiles.stat(path))),
      open: (path) => {
        const fd = fails('open') ? fault : nodeFiles.open(path)
        if (typeof fd === 'number') this.#open.add(fd)
        if (typeof fd === 'number' && path.endsWith('.gz')) this.#archives.add(fd)
        return fd
      },
      facts: (fd) => (fails('stat') ? fault : (unlessEio(this.#dead.get(fd)) ?? birthless(nodeFiles.facts(fd)))),
      read: async (fd, into, position) => {
        if (this.#archives.has(fd)) await this.#onArchiveRead?.()
        return fails('read') ? fault : (this.#dead.get(fd) ?? nodeFiles.read(fd, into, position))
      },
      readSync: (fd, into, position) =>
        fails('read') ? fault : (this.#dead.get(fd) ?? nodeFiles.readSync(fd, into, position)),
      close: (fd) => {
        this.#open.delete(fd)
        this.#dead.delete(fd)
        this.#archives.delete(fd)
        nodeFiles.close(fd)
      },
      list: (directory) => (fails('list') ? fault : nodeFiles.list(directory)),
      realpath: (path) => nodeFiles.realpath(path),
    }
  }
}
