import type { ArchiveState, GenerationRecord } from '../../checkpoint/registry.ts'
import type { Origin, SourceLabels } from '../../chunk.ts'
import { Cursors } from '../cursor/cursors.ts'
import { Fault, type FileFacts } from '../file/files.ts'
import { type FileIdentity, isCertainIdentity } from '../file/identity.ts'
import { NO_PLACE, type Place } from '../file/place.ts'
import { GenerationHost } from './generation-host.ts'
import { Head } from './head.ts'
import { HeldFile, type HeldFileContext } from './held-file.ts'
import { recognise } from './recognition.ts'

export interface GenerationContext extends HeldFileContext {
  readonly labels: SourceLabels
  readonly maxLineBytes: number
  readonly destinations: readonly string[]
  /** Something that `records()` shows has changed. */
  onChange(): void
  /** Its lineage should look at the file again soon. */
  onDirty(): void
}

/** Modification times come from a clock that ticks every 1 to 10 ms. */
export const CLOCK_TICK_MS = 20

/**
 * One generation: the content of one file from its creation to its end, recognised by content through renames, copies
 * and compression. Without a place it is unplaced, and its content is looked for among the siblings of the live file.
 */
export class Generation {
  readonly origin: Origin
  readonly cursors: Cursors
  place: Place | undefined
  /** Identity of the file it was last seen in; where content disagrees, content decides. */
  identity: FileIdentity
  lastPath: string
  /** If that file is an archive: its state when its content was identified. */
  archive: ArchiveState | undefined
  readonly head: Head
  size: number
  /** When it was last seen to change, or to leave the live path; monotonic, as the wall clock may be set. */
  changedAtMs = Number.NEGATIVE_INFINITY
  /** Not, or no longer, at the live path. */
  rotated = true
  /** When its file was last seen at the live path of another lineage, where it may be written to; monotonic. */
  aliveAtMs = Number.NEGATIVE_INFINITY
  /** Nothing more will be appended. */
  final = false
  /** Read and settled, or history that is not to be read. No longer true once the file grows. */
  finished: boolean
  /** Its file has been at the live path. */
  wasLive: boolean
  /** Its place has been observed to hold other content. */
  isReplaced = false
  fault: Fault | undefined
  /** Consecutive scans that did not find its file in the directory. */
  missedScans = 0
  lossReported = false
  /** Modification time, for the order among generations. */
  mtimeMs: number
  /** When its file was last seen; not updated while its place is a plain file. */
  lastSeenMs: number
  readonly #context: GenerationContext
  readonly #file: HeldFile
  /** It changed so recently that another change that keeps its size might not show in the modification time. */
  #isFresh = true
  /** Why its content could not be read at the last check. */
  #unseen: Fault | undefined

  /** `known`: its id and live path, and what is recorded of it. */
  constructor(known: Pick<GenerationRecord, 'id' | 'path'> & Partial<GenerationRecord>, context: GenerationContext) {
    const { id, path, lastPath = '' } = known
    this.origin = { id, path, labels: context.labels, maxLineBytes: context.maxLineBytes }
    this.#context = context
    this.identity = { dev: known.dev ?? '', ino: known.ino ?? '', birth: known.birth ?? '0' }
    this.lastPath = lastPath
    this.archive = known.archive
    this.wasLive = lastPath === path
    this.head = new Head(known.prefix)
    this.size = known.size ?? 0
    this.finished = known.finished ?? false
    this.lastSeenMs = known.seenAt ? Date.parse(known.seenAt) : 0
    this.mtimeMs = this.lastSeenMs
    this.#file = new HeldFile(context, () => this.cursors.isIdle)
    this.cursors = new Cursors(new GenerationHost(this, this.#file, context))
  }

  /** Gives the generation a file to be read from; `fd`: that file, already open, or why it cannot be kept open. */
  moveInto(place: Place, fd?: number | Fault): void {
    this.closeContent()
    this.place = place
    if (this.isArchive) this.lastSeenMs = Date.now()
    this.archive = this.isArchive ? { size: place.facts.size, mtimeMs: place.facts.mtimeMs } : undefined
    this.identity = place.facts
    this.lastPath = place.path
    this.size = place.inflatedSize ?? place.facts.size
    this.mtimeMs = place.facts.mtimeMs
    // Only the modification time tells how long it had been quiet before it was seen.
    const quietMs = Math.max(0, Date.now() - place.facts.mtimeMs)
    this.changedAtMs = Math.max(this.changedAtMs, performance.now() - quietMs)
    this.isReplaced = false
    this.missedScans = 0
    this.#unseen = undefined
    this.fault = fd instanceof Fault ? fd : undefined
    this.final = this.isArchive
    this.#cutBack(this.size)
    if (typeof fd === 'number') this.#file.hold(fd)
    this.cursors.offerAgain(this.#writtenAtMs)
  }

  /** Detaches its file, which now holds other content or is nowhere to be found. */
  evict(): void {
    this.closeContent()
    if (!this.isArchive) this.lastSeenMs = Date.now()
    this.place = undefined
    this.rotated = true
    this.missedScans = 0
  }

  /**
   * Takes over the file's current metadata. The content is checked after the size was obtained: a size counts only if the
   * bytes it belongs to are still there.
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
    this.changedAtMs = performance.now()
    this.final = false
    this.size = facts.size
    if (!this.isSettled) this.finished = false
    this.cursors.offerAgain(this.#writtenAtMs)
  }

  /** Whether its file verifiably holds its content, up to where it has been read. */
  verify(facts: FileFacts | Fault = this.look()): boolean {
    if (this.isReplaced || this.isArchive || !this.place || this.head.length === 0) return !this.isReplaced
    const bytes = (position: number, length: number) => this.bytes(position, length)
    const verdict = facts instanceof Fault ? facts : recognise(this, { facts, size: facts.size, bytes })
    this.#noteUnseen(verdict instanceof Fault ? verdict : undefined)
    if (facts instanceof Fault || verdict instanceof Fault) return false
    if (verdict === 'same') return true
    const holdsWhatWasRead = this.furthest > 0 && facts.size >= this.furthest
    const isCutBack = verdict !== 'other' && holdsWhatWasRead && !this.cursors.isOut
    this.isReplaced = !isCutBack
    if (isCutBack) this.#cutBack(facts.size)
    return isCutBack
  }

  /** Retries reading after a fault, which is cleared if nothing is left to read. */
  retry(): void {
    this.#file.looked(this.isStuck)
    if (this.fault !== this.#unseen && this.unreadBytes === 0) this.fault = undefined
    for (const cursor of this.cursors.values()) if (cursor.hasFailed) cursor.offerAgain(this.#writtenAtMs)
  }

  /** Notes why its content cannot be read now; undefined if it can, which clears that fault. */
  #noteUnseen(fault: Fault | undefined): void {
    if (this.fault === this.#unseen) this.fault = undefined
    this.#unseen = fault
    if (fault) this.fault = fault
  }

  /** Learns the first bytes as they are written, up to the length of a fingerprint. */
  learnHead(): void {
    if (!this.place || this.isArchive || this.isReplaced) return
    const wanted = this.head.wants(this.size)
    if (wanted === 0) return
    const bytes = this.bytes(0, wanted)
    if (!bytes || bytes instanceof Fault || this.learn(bytes)) return
    this.isReplaced = true
    this.#context.onDirty()
  }

  /** Notes the first bytes. Returns false if the content is known to begin with others. */
  learn(begin: Buffer): boolean {
    const known = this.head.length
    if (!this.head.learn(begin)) return false
    if (this.head.length > known) this.#context.onChange()
    return true
  }

  /** There is more content than was known, and its last line may be incomplete. */
  grow(size: number): void {
    this.size = size
    this.final = this.isArchive
  }

  /**
   * Takes over the size of an unreadable file if the generation is unplaced, the file certainly its own, and longer than
   * was known.
   */
  suspect(file: FileFacts): void {
    if (this.place || file.size <= this.size || !isCertainIdentity(this.identity, file)) return
    this.grow(file.size)
    this.finished = false
  }

  /**
   * Its content now ends earlier: a writer took back a line it could not finish, or this is a copy made before the last
   * line.
   */
  #cutBack(size: number): void {
    this.size = size
    this.head.cut(size)
  }

  /** Since when unread bytes may have been waiting. A modification time in the future is wrong. */
  get #writtenAtMs(): number {
    return Math.min(Date.now(), this.mtimeMs)
  }

  /** Nothing more will be appended: a last line without a newline is offered now. */
  finalise(): void {
    this.final = true
    this.cursors.offerAgain(this.#writtenAtMs)
  }

  /** All of it is settled, or it is history that is not to be read. */
  finish(): void {
    this.finished = true
    this.head.forgetBytes()
  }

  /** Returns the current metadata of its file: by the open descriptor, wherever the file is now, else by path. */
  look(): FileFacts | Fault {
    if (!this.place) return NO_PLACE
    return this.#file.facts(this.place) ?? this.#context.files.stat(this.place.path)
  }

  /** Reads bytes of its plain file; undefined if that is shorter, a fault if it is an archive or cannot be read. */
  bytes(position: number, length: number): Buffer | undefined | Fault {
    if (!this.place || this.isArchive) return NO_PLACE
    return this.#file.bytes(this.place, { position, length })
  }

  /**
   * Closes its file, as there is nothing to read for now. The hash of its first bytes still recognises it, even in another
   * file.
   */
  rest(): void {
    if (this.head.length === 0) this.learnHead()
    this.head.forgetBytes()
    this.closeContent()
  }

  /** Opens its file and keeps it open. */
  open(): Fault | undefined {
    return this.place ? this.#file.open(this.place) : NO_PLACE
  }

  /** Closes the file; it is opened again when it is next read. */
  closeContent(): void {
    this.#file.closeContent()
  }

  /** Whether its file is held open: then it cannot vanish, and no other file can get its inode. */
  get isOpen(): boolean {
    return this.#file.isOpen
  }

  get isArchive(): boolean {
    return this.place?.inflatedSize !== undefined
  }

  /** Whether it has content, but its first bytes are unknown. */
  get isUnknown(): boolean {
    return this.size > 0 && this.head.length === 0
  }

  /** The position of the destination furthest ahead. */
  get furthest(): number {
    return this.cursors.furthest
  }

  /** Unread bytes of the destination furthest behind. */
  get unreadBytes(): number {
    return this.cursors.unreadBytes
  }

  /** Whether the last read failed for every destination that has something to read. */
  get isStuck(): boolean {
    return this.cursors.every(({ hasFailed, position }) => hasFailed || position >= this.size)
  }

  /** Whether all destinations have settled every known byte. */
  get isSettled(): boolean {
    return this.cursors.isSettled
  }
}
