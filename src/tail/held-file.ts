import { archiveContent, type Content, plainContent } from './content.ts'
import type { Descriptors } from './descriptors.ts'
import { Fault, type FileFacts, type Files, isAbsent, readExactly, withFile } from './files.ts'
import { isIdentity } from './identity.ts'
import type { Place } from './place.ts'

export interface HeldFileContext {
  readonly files: Files
  readonly descriptors: Descriptors
}

/** A descriptor and what is read through it. */
interface OpenFile {
  readonly fd: number
  /** The bytes as they are in the file; it closes the descriptor. */
  readonly plain: Content
  /** Of an archive: each reader inflates for itself. */
  readonly inflated: Map<object, Content>
  /** Something that was asked of it since the last look was refused. */
  hasFailed: boolean
  /** Since when this was so at every look while the path led to no such file. */
  strandedSinceMs: number | undefined
}

/** A descriptor that the NFS server knows no more, or whose FUSE process is gone, never works again. */
const FINAL_CODES: readonly string[] = ['ESTALE', 'ENOTCONN']
const FIRST_BYTE = { position: 0, length: 1 }
/** Other failures may pass. One that lasts this long is waited for no more: its disk was detached. */
const DEAD_AFTER_MS = 600_000

/**
 * The file of a generation while it is held open: it cannot vanish then, and no other file can have its inode. Opened when
 * it is needed, and closed when the bound on descriptors asks for it.
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

  /** What the open file is now. */
  facts(place: Place): FileFacts | Fault | undefined {
    return this.#ask(place, () => this.#file && this.#context.files.facts(this.#file.fd))
  }

  /** Opens the file at a place and keeps it open; a fault when another one is there now. */
  open(place: Place): Fault | undefined {
    if (this.#file) return undefined
    const full = this.#context.descriptors.makeRoom()
    if (full) return full
    const fd = this.#openAt(place)
    if (fd instanceof Fault) return fd
    this.hold(fd)
    return undefined
  }

  /** Bytes of the file at a place, also while the bound on descriptors keeps it from being held open. */
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
   * What was asked of the open file was refused. A descriptor may die while its file lives on: the NFS server or the FUSE
   * process was started again, the disk was mounted again. It gives way to a new one of the same file. One that is dead is let
   * go of when its file is not at its place; while nobody can tell, the file system is away and may come back. Returns whether
   * it is worth asking again.
   */
  renew(place: Place): boolean {
    // One at a time: a read through the one before may last as long as its file system is dead.
    if (!this.#file || this.#closing.length > 0) return false
    this.#file.hasFailed = true
    const fd = this.#openAt(place)
    if (fd instanceof Fault) return this.#strand(this.#file, fd)
    this.closeContent()
    this.hold(fd)
    return true
  }

  /** A look is over. `isStuck`: whoever has something to read was refused. */
  looked(isStuck: boolean): void {
    if (!this.#file) return
    if (!this.#file.hasFailed || !isStuck) this.#file.strandedSinceMs = undefined
    this.#file.hasFailed = false
  }

  /** Something can be read through the descriptor, if not everything. */
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

  /** Lets go of a descriptor that is dead, as its file could not be opened again. */
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

  /** The bytes as they are in the file; undefined while it is not open. */
  get plain(): Content | undefined {
    return this.#file?.plain
  }

  /** What an archive holds, for one reader; undefined while it is not open. */
  inflated(reader: object): Content | undefined {
    const file = this.#file
    if (!file) return undefined
    const content = file.inflated.get(reader) ?? archiveContent(this.#context.files, file.fd)
    file.inflated.set(reader, content)
    return content
  }

  /** It has been read. */
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

  /** Lets go of the file; it is opened again when it is read again. */
  closeContent(): void {
    if (!this.#file) return
    // A descriptor closed under a read could be another file's by the time the read reaches it.
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
