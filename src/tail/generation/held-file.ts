import { archiveContent, type Content, plainContent } from '../file/content.ts'
import type { Descriptors } from '../file/descriptors.ts'
import { Fault, type FileFacts, type Files, isAbsent, readExactly, withFile } from '../file/files.ts'
import { isIdentity } from '../file/identity.ts'
import type { Place } from '../file/place.ts'

export interface HeldFileContext {
  readonly files: Files
  readonly descriptors: Descriptors
}

/** A descriptor and what is read through it. */
interface OpenFile {
  readonly fd: number
  /** The raw bytes of the file; closing it closes the descriptor. */
  readonly plain: Content
  /** The inflated content of an archive by reader: each inflates separately. */
  readonly inflated: Map<object, Content>
  /** Whether an operation on it has failed since the last look. */
  hasFailed: boolean
  /** Since when it has failed at every look while its path no longer led to the file. */
  strandedSinceMs: number | undefined
}

/** A descriptor that the NFS server no longer knows, or whose FUSE process is gone, never works again. */
const FINAL_CODES: readonly string[] = ['ESTALE', 'ENOTCONN']
const FIRST_BYTE = { position: 0, length: 1 }
/** Other failures may be transient. After this long the disk counts as detached. */
const DEAD_AFTER_MS = 600_000

/**
 * The file of a generation while it is held open: it cannot vanish, and no other file can get its inode. It is opened when
 * needed, and closed when the limit on descriptors requires it.
 */
export class HeldFile {
  readonly #context: HeldFileContext
  #file: OpenFile | undefined
  #pins = 0
  #closing: OpenFile[] = []
  readonly #isIdle: () => boolean

  constructor(context: HeldFileContext, isIdle: () => boolean) {
    this.#context = context
    this.#isIdle = isIdle
  }

  /** Nothing unread and no read under way: it may be closed, as the file can be found again by name. */
  get isIdle(): boolean {
    return this.#pins === 0 && this.#isIdle()
  }

  get isOpen(): boolean {
    return this.#file !== undefined
  }

  /** Returns current metadata of the open file; undefined if it is not open. */
  facts(place: Place): FileFacts | Fault | undefined {
    return this.#ask(place, () => this.#file && this.#context.files.facts(this.#file.fd))
  }

  /** Opens the file at a place and keeps it open; a fault if another file is there now. */
  open(place: Place): Fault | undefined {
    if (this.#file) return undefined
    const full = this.#context.descriptors.makeRoom()
    if (full) return full
    const fd = this.#openAt(place)
    if (fd instanceof Fault) return fd
    this.hold(fd)
    return undefined
  }

  /** Reads bytes of the file at a place, even while the limit on descriptors prevents holding it open. */
  bytes(place: Place, span: { position: number; length: number }): Buffer | undefined | Fault {
    const { files } = this.#context
    return this.#ask(place, () => {
      if (!this.open(place)) return this.plain?.before(span.position + span.length, span.length)
      return withFile(files, place.path, (fd, now) =>
        isIdentity(now, place.facts) ? readExactly(files, fd, span) : anotherAt(place),
      )
    })
  }

  /**
   * Must be called when an operation on the open file has failed. Returns whether a retry is worthwhile. A descriptor may
   * die while its file lives on, as when the NFS server or FUSE process is restarted or the disk remounted: it is replaced
   * by a new descriptor of the same file. A dead one is closed if its file is not at its place; while that cannot be told,
   * the file system is away and may come back.
   */
  renew(place: Place): boolean {
    // One at a time: a read through the previous descriptor may hang as long as its file system is dead.
    if (!this.#file || this.#closing.length > 0) return false
    this.#file.hasFailed = true
    const fd = this.#openAt(place)
    if (fd instanceof Fault) return this.#strand(this.#file, fd)
    this.closeContent()
    this.hold(fd)
    return true
  }

  /** Must be called at the end of each look. `isStuck`: the last read of every destination with something to read failed. */
  looked(isStuck: boolean): void {
    if (!this.#file) return
    if (!this.#file.hasFailed || !isStuck) this.#file.strandedSinceMs = undefined
    this.#file.hasFailed = false
  }

  /** Whether anything can be read through the descriptor. */
  get answers(): boolean {
    return this.#file !== undefined && !(readExactly(this.#context.files, this.#file.fd, FIRST_BYTE) instanceof Fault)
  }

  #ask<T>(place: Place, question: () => T | Fault): T | Fault {
    const answer = question()
    return answer instanceof Fault && this.renew(place) ? question() : answer
  }

  #openAt(place: Place): number | Fault {
    const { files } = this.#context
    const fd = files.open(place.path)
    if (fd instanceof Fault) return fd
    const now = files.facts(fd)
    if (!(now instanceof Fault) && isIdentity(now, place.facts)) return fd
    files.close(fd)
    return now instanceof Fault ? now : anotherAt(place)
  }

  /** The file could not be reopened: closes the old descriptor if that is dead. Returns whether it was. */
  #strand(file: OpenFile, refusal: Fault): boolean {
    file.strandedSinceMs = isAbsent(refusal) ? (file.strandedSinceMs ?? performance.now()) : undefined
    if (file.strandedSinceMs === undefined) return false
    const facts = this.#context.files.facts(file.fd)
    const isFinal = facts instanceof Fault && FINAL_CODES.includes(facts.code)
    if (!isFinal && performance.now() - file.strandedSinceMs < DEAD_AFTER_MS) return false
    this.closeContent()
    return true
  }

  hold(fd: number): void {
    const { files, descriptors } = this.#context
    const plain = plainContent(files, fd)
    this.#file = { fd, plain, inflated: new Map(), hasFailed: false, strandedSinceMs: undefined }
    descriptors.add(this)
  }

  /** The raw bytes of the file; undefined while it is not open. */
  get plain(): Content | undefined {
    return this.#file?.plain
  }

  /** The inflated content of an archive, for one reader; undefined while it is not open. */
  inflated(reader: object): Content | undefined {
    const file = this.#file
    if (!file) return undefined
    const content = file.inflated.get(reader) ?? archiveContent(this.#context.files, file.fd)
    file.inflated.set(reader, content)
    return content
  }

  /** Notes that it has been read. */
  touch(): void {
    this.#context.descriptors.touch(this)
  }

  /** Keeps the content open while a read is under way. */
  pin(): void {
    this.#pins += 1
  }

  unpin(): void {
    this.#pins -= 1
    if (this.#pins > 0) return
    for (const file of this.#closing) close(file)
    this.#closing = []
  }

  /** Closes the file; it is opened again when it is next read. */
  closeContent(): void {
    if (!this.#file) return
    // A descriptor closed during a read could be another file's by the time the read uses it.
    if (this.#pins > 0) this.#closing.push(this.#file)
    else close(this.#file)
    this.#file = undefined
    this.#context.descriptors.forget(this)
  }
}

function anotherAt({ path }: Place): Fault {
  return new Fault('ENOENT', `${path} is another file now`)
}

function close({ plain, inflated }: OpenFile): void {
  for (const content of inflated.values()) content.close()
  plain.close()
}
