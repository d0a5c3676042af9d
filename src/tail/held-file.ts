import { archiveContent, type Content, plainContent } from './content.ts'
import type { Descriptors } from './descriptors.ts'
import { Fault, type FileFacts, type Files, readExactly, withFile } from './files.ts'
import { type FileIdentity, isIdentity } from './identity.ts'

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
}

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
  facts(): FileFacts | Fault | undefined {
    return this.#file && this.#context.files.facts(this.#file.fd)
  }

  /** Opens the file at `path` and keeps it open; a fault when another one is there now. */
  open(path: string, identity: FileIdentity): Fault | undefined {
    if (this.#file) return undefined
    const { files, descriptors } = this.#context
    const full = descriptors.makeRoom()
    if (full) return full
    const fd = files.open(path)
    if (fd instanceof Fault) return fd
    const now = files.facts(fd)
    if (!(now instanceof Fault) && isIdentity(now, identity)) {
      this.hold(fd)
      return undefined
    }
    files.close(fd)
    return now instanceof Fault ? now : new Fault('ENOENT', `${path} is another file now`)
  }

  /** Bytes of the file at `path`, also while the bound on descriptors keeps it from being held open. */
  bytes(path: string, identity: FileIdentity, span: { position: number; length: number }): Buffer | undefined | Fault {
    if (!this.open(path, identity)) return this.plain?.before(span.position + span.length, span.length)
    const { files } = this.#context
    return withFile(files, path, (fd, now) =>
      isIdentity(now, identity) ? readExactly(files, fd, span) : new Fault('ENOENT', `${path} is another file now`),
    )
  }

  hold(fd: number): void {
    const { files, descriptors } = this.#context
    this.#file = { fd, plain: plainContent(files, fd), inflated: new Map() }
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

function close({ plain, inflated }: OpenFile): void {
  for (const content of inflated.values()) content.close()
  plain.close()
}
