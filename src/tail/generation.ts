import { hash } from 'node:crypto'
import type { Origin, SourceLabels } from '../block.ts'
import type { Fingerprint, GenerationRecord, PositionRecord } from '../checkpoint/registry.ts'
import { archiveContent, type Content, plainContent } from './content.ts'
import { Cursor } from './cursor.ts'
import type { Descriptors } from './descriptors.ts'
import { Fault, type FileFacts, type Files } from './files.ts'
import { FINGERPRINT_BYTES, fingerprint, NO_FINGERPRINT } from './fingerprint.ts'

/** Where the content of a generation can be read now. */
export interface Place {
  readonly path: string
  readonly facts: FileFacts
  /** Set for a gzip archive: the size of what it holds. */
  readonly inflatedSize?: number
}

export type FileIdentity = Pick<FileFacts, 'dev' | 'ino' | 'birth'>

export interface GenerationContext {
  readonly files: Files
  readonly descriptors: Descriptors
  readonly labels: SourceLabels
  readonly maxLineBytes: number
  readonly destinations: readonly string[]
  /** Something changed that `records()` would show. */
  onChange(): void
  /** Its lineage should look at the file again soon. */
  onDoubt(): void
}

const NOWHERE: PositionRecord = { offset: 0, marker: NO_FINGERPRINT, deadLetteredBytes: 0, skippedBytes: {} }

/**
 * One generation: the content of one file from its creation to its end, recognised by content through renames, copies
 * and compression. Without a place it is homeless: its content is looked for among the siblings of the live file.
 */
export class Generation {
  readonly origin: Origin
  readonly cursors = new Map<string, Cursor>()
  place: Place | undefined
  /** Of the file it was last seen in; content decides where they disagree. */
  identity: FileIdentity
  lastPath: string
  prefix: Fingerprint
  size: number
  /** When the size last changed, in the clock of `observe`. */
  changedAtMs: number
  /** No longer at the live path. */
  rotated: boolean
  /** Nothing will be appended any more. */
  final = false
  /** Done with, or history that was never to be read. Comes back to life when the file grows. */
  finished: boolean
  /** Its place has been observed to hold other content. */
  isReplaced = false
  fault: Fault | undefined
  /** Scans in a row that did not find it in the directory. */
  missedScans = 0
  lossReported = false
  /** Age of the modification for the order among generations. */
  mtimeMs: number
  readonly #context: GenerationContext
  /** Positions of destinations that are not configured now; kept in case they come back. */
  readonly #dormant: Record<string, PositionRecord> = {}
  readonly #archives = new Map<Cursor, Content>()
  #plain: { readonly fd: number; readonly content: Content } | undefined
  #pins = 0
  #closing: Content[] = []

  private constructor(origin: Origin, context: GenerationContext, from: Partial<GenerationRecord>) {
    this.origin = origin
    this.#context = context
    this.identity = { dev: from.dev ?? '', ino: from.ino ?? '', birth: from.birth ?? '0' }
    this.lastPath = from.lastPath ?? ''
    this.prefix = from.prefix ?? NO_FINGERPRINT
    this.size = from.size ?? 0
    this.finished = from.finished ?? false
    this.rotated = true
    this.changedAtMs = 0
    this.mtimeMs = from.seenAt ? Date.parse(from.seenAt) : 0
  }

  static discovered(path: string, place: Place, options: { context: GenerationContext; epoch: number }): Generation {
    const { dev, ino, birth } = place.facts
    const id = hash('sha256', `${dev}:${ino}:${birth}:${options.epoch}`, 'hex').slice(0, 16)
    const generation = new Generation(originOf(id, path, options.context), options.context, {})
    generation.settleIn(place)
    return generation
  }

  /** From the registry: homeless until its content is found. */
  static recorded(record: GenerationRecord, context: GenerationContext): Generation {
    const generation = new Generation(originOf(record.id, record.path, context), context, record)
    for (const [destination, position] of Object.entries(record.positions)) {
      if (context.destinations.includes(destination)) generation.cursor(destination, position)
      else generation.#dormant[destination] = position
    }
    return generation
  }

  /** Gives the generation a file to be read from. */
  settleIn(place: Place, fd?: number): void {
    this.closeContent()
    this.place = place
    this.identity = place.facts
    this.lastPath = place.path
    this.size = place.inflatedSize ?? place.facts.size
    this.mtimeMs = place.facts.mtimeMs
    this.isReplaced = false
    this.missedScans = 0
    this.fault = undefined
    this.final = place.inflatedSize !== undefined
    if (fd !== undefined) this.#hold(fd)
    for (const cursor of this.cursors.values()) {
      cursor.rewind()
      cursor.grown(place.facts.mtimeMs)
    }
  }

  /** Takes note of what the file system says about the file now. */
  observe(facts: FileFacts, nowMs: number): void {
    if (!this.place || this.place.inflatedSize !== undefined) return
    const changed = facts.size !== this.size || facts.mtimeMs !== this.place.facts.mtimeMs
    this.place = { ...this.place, facts }
    this.identity = facts
    this.mtimeMs = facts.mtimeMs
    if (this.changedAtMs === 0) this.changedAtMs = Math.min(nowMs, facts.mtimeMs)
    if (!changed) return
    this.changedAtMs = nowMs
    this.final = false
    if (facts.size > this.size) this.finished = false
    const shrunk = facts.size < this.size
    this.size = facts.size
    for (const cursor of this.cursors.values()) cursor.grown(Math.min(nowMs, facts.mtimeMs))
    if (shrunk && [...this.cursors.values()].some((cursor) => cursor.position > facts.size)) this.isReplaced = true
    // Same size or smaller, and written to: only the content can tell whether it is still the same file.
    else if (facts.size <= Math.max(0, ...[...this.cursors.values()].map((cursor) => cursor.position))) this.verify()
    if (shrunk) for (const cursor of this.cursors.values()) cursor.rewind()
  }

  verify(): void {
    for (const cursor of this.cursors.values()) if (!this.isReplaced && cursor.position > 0) cursor.verify()
  }

  /** Tries again what failed: what could not be verified, and what could not be read. */
  retry(): void {
    if (!this.fault) return
    this.fault = undefined
    this.verify()
    for (const cursor of this.cursors.values()) cursor.rewind()
  }

  /** Nothing will be appended: a last line without newline is offered now. */
  finalise(): void {
    this.final = true
    for (const cursor of this.cursors.values()) if (cursor.position < this.size) cursor.rewind()
  }

  /** The cursor of a destination, made at `from` when there is none. */
  cursor(destination: string, from: PositionRecord = NOWHERE): Cursor {
    const known = this.cursors.get(destination)
    if (known) return known
    const cursor = new Cursor(destination, this.#host(), from)
    this.cursors.set(destination, cursor)
    return cursor
  }

  /** All destinations have settled every byte there is. */
  get isSettled(): boolean {
    return [...this.cursors.values()].every((cursor) => cursor.isSettled)
  }

  /** Nothing unread and no read under way: its descriptor may be given up, as the file can be found again by name. */
  get isIdle(): boolean {
    return this.#pins === 0 && [...this.cursors.values()].every((cursor) => !cursor.hasUnread)
  }

  get descriptor(): number | undefined {
    return this.#plain?.fd
  }

  /** Extends the prefix hash while it is shorter than it can be. */
  fingerprintPrefix(): void {
    if (
      this.prefix.length >= FINGERPRINT_BYTES ||
      !this.place ||
      this.place.inflatedSize !== undefined ||
      this.size <= this.prefix.length
    )
      return
    const length = Math.min(FINGERPRINT_BYTES, this.size)
    const content = this.#openPlain()
    const bytes = content instanceof Fault ? content : content.before(length, length)
    if (!bytes || bytes instanceof Fault) return
    if (fingerprint(bytes.subarray(0, this.prefix.length)).hash !== this.prefix.hash) {
      this.isReplaced = true
      this.#context.onDoubt()
      return
    }
    this.prefix = fingerprint(bytes)
    this.#context.onChange()
  }

  /** The first `length` bytes of its file, where it has one at hand. */
  head(length: number): Buffer | undefined {
    if (!this.place || this.isReplaced || this.place.inflatedSize !== undefined) return undefined
    const content = this.#openPlain()
    const bytes = content instanceof Fault ? content : content.before(length, length)
    return bytes instanceof Fault ? undefined : bytes
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
      prefix: this.prefix,
      size: this.size,
      finished: this.finished,
      seenAt: new Date(this.place ? nowMs : this.mtimeMs).toISOString(),
      positions: {
        ...this.#dormant,
        ...Object.fromEntries([...this.cursors].map(([name, cursor]) => [name, cursor.record()])),
      },
    }
  }

  /** Lets go of the file; it is opened again when it is read again. */
  closeContent(): void {
    for (const content of this.#archives.values()) content.close()
    this.#archives.clear()
    if (!this.#plain) return
    // A descriptor closed under a read could be another file's by the time the read reaches it.
    if (this.#pins > 0) this.#closing.push(this.#plain.content)
    else this.#plain.content.close()
    this.#plain = undefined
    this.#context.descriptors.forget(this)
  }

  /** Takes its file away: it now holds other content, or is nowhere to be found. */
  evict(): void {
    this.closeContent()
    this.place = undefined
    this.rotated = true
    this.missedScans = 0
  }

  #unpin(): void {
    this.#pins -= 1
    if (this.#pins > 0) return
    for (const content of this.#closing) content.close()
    this.#closing = []
  }

  #host() {
    const generation = this
    const { descriptors, onChange, onDoubt } = this.#context
    return {
      origin: this.origin,
      get size() {
        return generation.size
      },
      get final() {
        return generation.final
      },
      content: (cursor: Cursor) => generation.#contentFor(cursor),
      pin: () => {
        generation.#pins += 1
      },
      unpin: () => generation.#unpin(),
      grown: (size: number) => {
        if (size > generation.size) generation.size = size
        generation.fault = undefined
        descriptors.touch(generation)
      },
      // Not a doubt: the next poll tries again, and a file that cannot be read is not read in a tight loop.
      failed: (fault: Fault) => {
        generation.fault = fault
      },
      replaced: () => {
        generation.isReplaced = true
        onDoubt()
      },
      settled: onChange,
    }
  }

  #contentFor(cursor: Cursor): Content | Fault {
    const place = this.place
    if (!place || this.isReplaced) return new Fault('ENOENT', 'its content is not at a known place')
    if (place.inflatedSize === undefined) return this.#openPlain()
    const open = this.#archives.get(cursor) ?? archiveContent(place.path)
    this.#archives.set(cursor, open)
    return open
  }

  #openPlain(): Content | Fault {
    if (this.#plain) return this.#plain.content
    if (!this.place) return new Fault('ENOENT', 'its content is not at a known place')
    const { files, descriptors } = this.#context
    const full = descriptors.makeRoom()
    if (full) return full
    const fd = files.open(this.place.path)
    if (fd instanceof Fault) return fd
    const facts = files.facts(fd)
    if (facts instanceof Fault || facts.ino !== this.place.facts.ino || facts.dev !== this.place.facts.dev) {
      files.close(fd)
      return facts instanceof Fault ? facts : new Fault('ENOENT', `${this.place.path} is another file now`)
    }
    return this.#hold(fd)
  }

  #hold(fd: number): Content {
    this.#plain = { fd, content: plainContent(this.#context.files, fd) }
    this.#context.descriptors.add(this)
    return this.#plain.content
  }
}

function originOf(id: string, path: string, { labels, maxLineBytes }: GenerationContext): Origin {
  return { id, path, labels, maxLineBytes }
}
