import { hash } from 'node:crypto'
import type { Origin, SourceLabels } from '../block.ts'
import { FINGERPRINT_BYTES, type GenerationRecord } from '../checkpoint/registry.ts'
import type { Content } from './content.ts'
import type { Cursor, CursorHost } from './cursor.ts'
import { Cursors } from './cursors.ts'
import { Fault, type FileFacts } from './files.ts'
import { Head } from './head.ts'
import { HeldFile, type HeldFileContext } from './held-file.ts'
import type { FileIdentity } from './identity.ts'
import type { Evidence } from './proof.ts'
import { recognise } from './recognition.ts'

/** Where the content of a generation can be read now. */
export interface Place {
  readonly path: string
  readonly facts: FileFacts
  /** Set for a gzip archive: the size of what it holds. */
  readonly inflatedSize?: number
}

export interface GenerationContext extends HeldFileContext {
  readonly labels: SourceLabels
  readonly maxLineBytes: number
  readonly destinations: readonly string[]
  /** Something changed that `records()` would show. */
  onChange(): void
  /** Its lineage should look at the file again soon. */
  onDoubt(): void
}

const NO_PLACE = new Fault('ENOENT', 'its content is not at a known place')
/** Modification times come from a clock that ticks every 1 to 10 ms. */
const CLOCK_TICK_MS = 20

/**
 * One generation: the content of one file from its creation to its end, recognised by content through renames, copies
 * and compression. Without a place it is homeless: its content is looked for among the siblings of the live file.
 */
export class Generation {
  readonly origin: Origin
  readonly cursors: Cursors
  place: Place | undefined
  /** Of the file it was last seen in; content decides where they disagree. */
  identity: FileIdentity
  lastPath: string
  readonly head: Head
  size: number
  /** When it last changed, in size or by leaving the live path, in the clock of `observe`. */
  changedAtMs = 0
  /** No longer at the live path. */
  rotated = true
  /** When its file was last seen at a path that is meant as a live one, though not its lineage's: it may be written to. */
  aliveAtMs = 0
  /** Nothing will be appended any more. */
  final = false
  /** Done with, or history that was never to be read. Comes back to life when the file grows. */
  finished: boolean
  /** Its file was seen at the live path. */
  wasLive: boolean
  /** Its place has been observed to hold other content. */
  isReplaced = false
  fault: Fault | undefined
  /** Scans in a row that did not find it in the directory. */
  missedScans = 0
  lossReported = false
  /** Modification time, for the order among generations. */
  mtimeMs: number
  readonly #context: GenerationContext
  readonly #file: HeldFile
  /** Changed so lately that one more change of the same size might not show in the modification time. */
  #isFresh = true
  #lastSeenMs: number
  /** Why its content could not be looked at the last time. */
  #unseen: Fault | undefined

  private constructor(origin: Origin, context: GenerationContext, from: Partial<GenerationRecord>) {
    this.origin = origin
    this.#context = context
    this.identity = { dev: from.dev ?? '', ino: from.ino ?? '', birth: from.birth ?? '0' }
    this.lastPath = from.lastPath ?? ''
    this.wasLive = from.lastPath === origin.path
    this.head = new Head(from.prefix)
    this.size = from.size ?? 0
    this.finished = from.finished ?? false
    this.#lastSeenMs = from.seenAt ? Date.parse(from.seenAt) : 0
    this.mtimeMs = this.#lastSeenMs
    this.#file = new HeldFile(context, () => this.cursors.isIdle)
    this.cursors = new Cursors(this.#host())
  }

  /** Of content not known from before. `salt` tells it from earlier content of the same file. */
  static discovered(path: string, place: Place, options: { context: GenerationContext; salt: string }): Generation {
    const { dev, ino, birth } = place.facts
    const id = hash('sha256', `${dev}:${ino}:${birth}:${options.salt}`, 'hex').slice(0, 16)
    return new Generation(originOf(id, path, options.context), options.context, {})
  }

  /** From the registry: homeless until its content is found. */
  static recorded(record: GenerationRecord, context: GenerationContext): Generation {
    const generation = new Generation(originOf(record.id, record.path, context), context, record)
    for (const [destination, position] of Object.entries(record.positions)) {
      if (context.destinations.includes(destination)) generation.cursors.add(destination, position)
      else generation.cursors.keep(destination, position)
    }
    // What was read was there: a shorter file is another one, or one that has been cut.
    generation.size = Math.max(generation.size, generation.furthest)
    return generation
  }

  /** Gives the generation a file to be read from; `fd` is that file, already open, or why it cannot be kept open. */
  settleIn(place: Place, fd?: number | Fault): void {
    this.closeContent()
    this.place = place
    this.identity = place.facts
    this.lastPath = place.path
    this.size = place.inflatedSize ?? place.facts.size
    this.mtimeMs = place.facts.mtimeMs
    this.changedAtMs = Math.min(Date.now(), place.facts.mtimeMs)
    this.isReplaced = false
    this.missedScans = 0
    this.#unseen = undefined
    this.fault = fd instanceof Fault ? fd : undefined
    this.final = this.isArchive
    this.#cutBack(this.size)
    if (typeof fd === 'number') this.#file.hold(fd)
    this.cursors.offerAgain(place.facts.mtimeMs)
  }

  /**
   * Takes note of what the file system says about the file now. The content is looked at after the size was: a size is
   * believed only when the bytes it belongs to are still there.
   */
  observe(facts: FileFacts, nowMs: number): void {
    if (!this.place || this.isArchive) return
    const known = this.place.facts
    const isUnchanged = facts.size === known.size && facts.mtimeMs === known.mtimeMs
    if (isUnchanged && !this.#isFresh && !this.#unseen) return
    if (!this.verify(facts)) return
    this.#isFresh = nowMs - facts.mtimeMs < CLOCK_TICK_MS
    if (isUnchanged) return
    this.place = { ...this.place, facts }
    this.mtimeMs = facts.mtimeMs
    this.changedAtMs = nowMs
    this.final = false
    this.size = facts.size
    if (!this.isSettled) this.finished = false
    this.cursors.offerAgain(Math.min(nowMs, facts.mtimeMs))
  }

  /** Whether its file is seen to hold its content, up to where it has been read. */
  verify(facts: FileFacts | Fault = this.look()): boolean {
    if (this.isReplaced || this.isArchive || !this.place || this.head.length === 0) return !this.isReplaced
    const bytes = (position: number, length: number) => this.bytes(position, length)
    const verdict = facts instanceof Fault ? facts : recognise(this, { facts, size: facts.size, bytes })
    if (this.fault === this.#unseen) this.fault = undefined
    this.#unseen = verdict instanceof Fault ? verdict : undefined
    if (verdict instanceof Fault) {
      this.fault = verdict
      return false
    }
    if (verdict === 'same') return true
    const size = facts instanceof Fault ? 0 : facts.size
    const isCutBack = verdict !== 'other' && this.furthest > 0 && size >= this.furthest && !this.cursors.isOut
    this.isReplaced = !isCutBack
    if (isCutBack) this.#cutBack(size)
    return isCutBack
  }

  /** Nothing will be appended: a last line without newline is offered now. */
  finalise(): void {
    this.final = true
    this.cursors.offerAgain(this.changedAtMs)
  }

  /** All of it is delivered. */
  finish(): void {
    this.finished = true
    this.head.forgetBytes()
  }

  /** What its file is now, wherever it is: by the open descriptor, else by the name it was last seen under. */
  look(): FileFacts | Fault {
    if (!this.place) return NO_PLACE
    return this.#file.facts() ?? this.#context.files.stat(this.place.path)
  }

  /** Reads again after a fault, which is over when there is nothing to read. */
  retry(): void {
    if (this.fault !== this.#unseen && this.unreadBytes === 0) this.fault = undefined
    for (const cursor of this.cursors.values()) if (cursor.hasFailed) cursor.offerAgain(this.changedAtMs)
  }

  /** The furthest position of a destination. */
  get furthest(): number {
    return this.cursors.furthest
  }

  /** How many bytes the destination furthest behind has not read. */
  get unreadBytes(): number {
    return this.cursors.unreadBytes
  }

  /** All destinations have settled every byte there is. */
  get isSettled(): boolean {
    return this.cursors.isSettled
  }

  /** Not one of its bytes has been seen. */
  get isUnknown(): boolean {
    return this.size > 0 && this.head.length === 0
  }

  get isArchive(): boolean {
    return this.place?.inflatedSize !== undefined
  }

  /** Its file is held open: it cannot vanish, and no other file can have its inode. */
  get isOpen(): boolean {
    return this.#file.isOpen
  }

  get isProvable(): boolean {
    return this.cursors.every((cursor) => cursor.isProvable)
  }

  /** What a file must hold to be its home, besides its first bytes. */
  evidence(): readonly Evidence[] {
    return this.cursors.evidence()
  }

  /** Learns the first bytes as they come, up to the length of a fingerprint. */
  learnHead(): void {
    if (!this.place || this.isArchive || this.isReplaced) return
    const wanted = this.head.wants(this.size)
    if (wanted === 0) return
    const bytes = this.bytes(0, wanted)
    if (!bytes || bytes instanceof Fault || this.#begins(bytes)) return
    this.isReplaced = true
    this.#context.onDoubt()
  }

  #begins(bytes: Buffer): boolean {
    const known = this.head.length
    if (!this.head.learn(bytes)) return false
    if (this.head.length > known) this.#context.onChange()
    return true
  }

  /** Bytes of its own file, where that is a plain one. */
  bytes(position: number, length: number): Buffer | undefined | Fault {
    if (!this.place || this.isArchive) return NO_PLACE
    const { path, facts } = this.place
    return this.#file.bytes(path, facts, { position, length })
  }

  record(nowMs: number): GenerationRecord {
    const { dev, ino, birth } = this.identity
    return {
      id: this.origin.id,
      path: this.origin.path,
      lastPath: this.lastPath,
      dev,
      ino,
      birth,
      prefix: this.head.fingerprint,
      size: this.size,
      finished: this.finished,
      seenAt: new Date(this.place ? nowMs : this.#lastSeenMs).toISOString(),
      positions: this.cursors.records(),
    }
  }

  /** Opens its file and keeps it open. */
  open(): Fault | undefined {
    return this.place ? this.#file.open(this.place.path, this.place.facts) : NO_PLACE
  }

  /** Lets go of the file; it is opened again when it is read again. */
  closeContent(): void {
    this.#file.closeContent()
  }

  /** Takes its file away: it now holds other content, or is nowhere to be found. */
  evict(): void {
    this.closeContent()
    this.place = undefined
    this.rotated = true
    this.missedScans = 0
    this.#lastSeenMs = Date.now()
  }

  /**
   * Its content ends earlier than it did: a writer took back a line that it could not finish, or a copy was made before
   * the last line.
   */
  #cutBack(size: number): void {
    this.size = size
    this.head.cut(size)
  }

  /** It goes on behind what was known to be there: what is last may be half of a line. */
  #grow(size: number): void {
    this.size = size
    this.final = this.isArchive
  }

  #host(): CursorHost {
    const generation = this
    const { onChange, onDoubt } = this.#context
    return {
      origin: this.origin,
      get size() {
        return generation.size
      },
      get final() {
        return generation.final
      },
      content: (cursor) => generation.#contentFor(cursor),
      begins(chunk) {
        const begin = Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.length, FINGERPRINT_BYTES))
        return generation.isArchive || begin.length <= generation.head.length || generation.#begins(begin)
      },
      isUnchanged: (content) => generation.#isUnchanged(content),
      pin: () => this.#file.pin(),
      unpin: () => this.#file.unpin(),
      reached: (size) => {
        if (size > generation.size) generation.#grow(size)
        generation.fault = undefined
        generation.#file.touch()
      },
      failed: (fault) => {
        generation.fault = fault
      },
      replaced: () => {
        generation.isReplaced = true
        onDoubt()
      },
      settled: onChange,
    }
  }

  #isUnchanged(content: Content): boolean | Fault {
    if (content.isFixed) return true
    const facts = this.look()
    if (facts instanceof Fault) return facts
    if (facts.size < this.size && !this.verify(facts)) return this.isReplaced ? false : NO_PLACE
    const { length } = this.head
    const begin = length === 0 ? undefined : content.before(length, length)
    if (begin instanceof Fault) return begin
    if (length > 0 && !this.head.matches(begin)) return false
    for (const cursor of this.cursors.values()) {
      const unchanged = cursor.isUnchanged(content)
      if (unchanged !== true) return unchanged
    }
    return true
  }

  #contentFor(cursor: Cursor): Content | Fault {
    if (this.isReplaced) return NO_PLACE
    const fault = this.open()
    return fault ?? (this.isArchive ? this.#file.inflated(cursor) : this.#file.plain) ?? NO_PLACE
  }
}

function originOf(id: string, path: string, { labels, maxLineBytes }: GenerationContext): Origin {
  return { id, path, labels, maxLineBytes }
}
