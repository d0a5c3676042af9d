import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** The part of a line that one write call wrote. Every piece begins with its own id, so no two texts are equal. */
export interface Piece {
  readonly seq: number
  readonly line: Line
}

export interface Line {
  readonly texts: string[]
  readonly pieces: Piece[]
  isComplete: boolean
  /** Whether its file was rotated, copied or packed before it was complete: parts of it may then be delivered as lines. */
  isCut: boolean
}

/** A file on the disk and its content, whatever its name: plain or an archive. */
export interface Carrier {
  pieces: Piece[]
  /** Undefined once deleted; the file lives on while it is held open. */
  name: string | undefined
  readonly isArchive: boolean
  /** Whether it was made from another file, so that nobody writes to it. */
  readonly isCopy: boolean
  /** Number of pieces at the tailer's last look, if it then saw unread ones and holds the file open; else 0. */
  heldPieces: number
  /** Pieces it held before it was truncated. */
  readonly former: Piece[]
  /** The incomplete line at its end. */
  openLine: Line | undefined
  /** The part of an archive that is not written yet. */
  rest: Buffer | undefined
}

export interface DiskOptions {
  readonly dir: string
  readonly names: 'stamps' | 'numbers'
  /** Whether the writer opens its file with O_APPEND. */
  readonly appends: boolean
  /** The first line of every file, which the law ignores. */
  readonly banner: string
  /** Keeps inodes of deleted files from being reused. */
  readonly keepsInodes: boolean
  /** Called with pieces that are no longer in any file. */
  onGone(pieces: readonly Piece[]): void
}

export const LIVE = 'audit.log'

/** A directory with a log, its writer and its rotator, which knows what each file holds. */
export class Disk {
  readonly carriers = new Set<Carrier>()
  live: Carrier | undefined
  /** Every text that may be delivered as a line, with its pieces: a whole line, or a run of its pieces. */
  readonly units = new Map<string, readonly Piece[]>()
  readonly lines: Line[] = []
  /** Whether bytes may have been destroyed without a copy, if only an empty line. */
  mayLose = false
  /** Pieces of files that were truncated, then deleted: they may be delivered again from the copy of a short one. */
  readonly mayRepeat = new Set<Piece>()
  readonly #options: DiskOptions
  #fd: number | undefined
  #writerPosition = 0
  #copiedBytes: number | undefined
  readonly #kept: number[] = []
  #isBack = false
  #seq = 0
  #stamps = 0

  constructor(options: DiskOptions) {
    this.#options = options
  }

  path(name: string): string {
    return join(this.#options.dir, name)
  }

  /** Rotated files, oldest first. */
  get rotated(): Carrier[] {
    return [...this.carriers].filter(({ name }) => name !== undefined && name !== LIVE).sort((a, b) => this.#age(a, b))
  }

  get plainRotated(): Carrier[] {
    return this.rotated.filter(({ isArchive }) => !isArchive)
  }

  /** Writes a piece of the open line, or of a new one. The last piece gets the newline. */
  append(length: number, isLast: boolean, isBinary: boolean): void {
    this.#finishCopying()
    this.#appendTo(this.#openLive(), { length, isLast, isBinary })
  }

  /** Appends a line between the two halves of copytruncate, where it is lost in any case. */
  appendDoomed(length: number): void {
    if (this.live && this.#isCopied) this.#appendTo(this.live, { length, isLast: true, isBinary: false })
  }

  #appendTo(live: Carrier, { length, isLast, isBinary }: { length: number; isLast: boolean; isBinary: boolean }): void {
    const text = this.#extend(live, { length, isBinary })
    this.#write(isLast ? `${text}\n` : text)
    if (isLast) this.#closeLine(live)
  }

  appendEmptyLine(): void {
    this.#finishCopying()
    if (this.#openLive().openLine) return
    this.#write('\n')
  }

  /** Appends as a writer that still has the renamed file open; it closes the file before that is packed. */
  appendLate(index: number, length: number, isLast: boolean): void {
    const files = this.plainRotated.filter(({ name, isCopy }) => !isCopy && !existsSync(this.path(`${name}.gz`)))
    const carrier = files[index % Math.max(1, files.length)]
    if (!carrier?.name) return
    const text = this.#extend(carrier, { length, isBinary: false })
    this.#cut(carrier)
    appendFileSync(this.path(carrier.name), latin1(isLast ? `${text}\n` : text))
    if (isLast) this.#closeLine(carrier)
  }

  rotate(creates: boolean): void {
    this.#finishCopying()
    const { live } = this
    if (!live) return
    this.#cut(live)
    this.#rename(live, this.#freeName())
    this.#release()
    if (creates) this.#openLive()
  }

  /** Undoes a rotation that has not created a new file. Such rotators do not copy. */
  renameBack(): void {
    const youngest = this.rotated.at(-1)
    if (this.live || !youngest || youngest.isCopy || youngest.openLine) return
    this.#rename(youngest, LIVE)
    this.live = youngest
    this.#isBack = true
    this.#fd = openSync(this.path(LIVE), this.#options.appends ? 'a' : 'r+')
    this.#writerPosition = readFileSync(this.path(LIVE)).length
  }

  /** The first half of copytruncate; the second precedes any other change of the live file. */
  copy(): void {
    if (this.live && !this.#isCopied && !this.#isBack) this.#copyTo(this.#freeName(), this.live)
  }

  /** Likewise, but runs `meanwhile` when only a share of the copy is written. */
  async copySlowly(share: number, meanwhile: () => Promise<void>): Promise<void> {
    const { live } = this
    if (!live || this.#isCopied || this.#isBack) return
    const name = this.#freeName()
    const bytes = readFileSync(this.path(LIVE))
    writeFileSync(this.path(name), bytes.subarray(0, Math.floor(bytes.length * share)))
    await meanwhile()
    this.#copyTo(name, live)
  }

  #copyTo(name: string, live: Carrier): void {
    this.#copiedBytes = readFileSync(this.path(LIVE)).length
    this.#cut(live)
    copyFileSync(this.path(LIVE), this.path(name))
    this.carriers.add({
      ...live,
      pieces: [...live.pieces],
      name,
      isCopy: true,
      heldPieces: 0,
      former: [],
      openLine: undefined,
    })
  }

  truncate(): void {
    const { live } = this
    if (!live || this.#fd === undefined) return
    this.#cut(live)
    this.mayLose ||= this.#copiedBytes !== readFileSync(this.path(LIVE)).length
    ftruncateSync(this.#fd, 0)
    this.#copiedBytes = undefined
    const gone = live.pieces
    live.former.push(...gone)
    live.pieces = []
    live.openLine = undefined
    live.heldPieces = 0
    this.#noteGone(gone)
    if (this.#options.appends) this.#begin()
  }

  replace(): void {
    this.#finishCopying()
    const { live } = this
    if (!live) return
    this.mayLose = true
    this.#cut(live)
    this.#release()
    this.#unlink(live, () => {})
    const next = this.path('next')
    writeFileSync(next, '')
    renameSync(next, this.path(LIVE))
    this.#openLive()
  }

  deleteRotated(index: number): void {
    const files = this.rotated
    const carrier = files[index % Math.max(1, files.length)]
    if (!carrier) return
    this.mayLose = true
    this.#unlink(carrier, (name) => rmSync(this.path(name)))
  }

  deleteLive(): void {
    this.#finishCopying()
    const { live } = this
    if (!live) return
    this.mayLose = true
    this.#cut(live)
    this.#release()
    this.#unlink(live, (name) => rmSync(this.path(name)))
  }

  /** Packs the oldest plain file. `beside`, `alone`: only half of the archive, with the plain file kept or removed. */
  compress(parts: 'whole' | 'beside' | 'alone'): void {
    const plain = this.plainRotated.find(({ name }) => !existsSync(this.path(`${name}.gz`)))
    if (!plain?.name) return
    this.#cut(plain)
    const bytes = gzipSync(readFileSync(this.path(plain.name)))
    const at = parts === 'whole' ? bytes.length : bytes.length >> 1
    const archive: Carrier = {
      pieces: [...plain.pieces],
      name: `${plain.name}.gz`,
      isArchive: true,
      isCopy: true,
      heldPieces: 0,
      former: [],
      openLine: undefined,
      rest: at === bytes.length ? undefined : bytes.subarray(at),
    }
    writeFileSync(this.path(`${plain.name}.gz`), bytes.subarray(0, at))
    this.carriers.add(archive)
    if (parts !== 'beside') this.#unlink(plain, (name) => rmSync(this.path(name)))
  }

  /** Completes all archives and removes the plain files next to them. */
  finishCompressing(): void {
    for (const archive of this.rotated) {
      if (!archive.name || !archive.isArchive) continue
      const plainName = archive.name.slice(0, -3)
      const plain = this.rotated.find(({ name }) => name === plainName)
      if (archive.rest) appendFileSync(this.path(archive.name), archive.rest)
      archive.rest = undefined
      if (!plain) continue
      this.#cut(plain)
      this.#unlink(plain, (name) => rmSync(this.path(name)))
    }
  }

  /** Completes the line that is being written. */
  finishLines(): void {
    this.#finishCopying()
    if (this.live?.openLine) this.append(1, true, false)
  }

  /** Notes that the tailer has looked, and holds the files with unread pieces open. */
  noteHeld(isUnread: (piece: Piece) => boolean): void {
    for (const carrier of this.carriers) {
      if (carrier.name !== undefined) carrier.heldPieces = carrier.pieces.some(isUnread) ? carrier.pieces.length : 0
    }
  }

  /** Notes that the tailer has closed its files: deleted ones that only it held are gone. */
  dropUnlinked(): void {
    for (const carrier of this.carriers) {
      carrier.heldPieces = 0
      if (carrier.name === undefined) this.carriers.delete(carrier)
    }
  }

  isSomewhere(piece: Piece): boolean {
    for (const { pieces } of this.carriers) if (pieces.includes(piece)) return true
    return false
  }

  close(): void {
    this.#release()
    for (const fd of this.#kept.splice(0)) closeSync(fd)
  }

  #finishCopying(): void {
    if (this.#isCopied) this.truncate()
  }

  get #isCopied(): boolean {
    return this.#copiedBytes !== undefined
  }

  #openLive(): Carrier {
    if (this.live) return this.live
    this.#fd = openSync(this.path(LIVE), this.#options.appends ? 'a' : 'w')
    this.live = {
      pieces: [],
      name: LIVE,
      isArchive: false,
      isCopy: false,
      heldPieces: 0,
      former: [],
      openLine: undefined,
      rest: undefined,
    }
    this.carriers.add(this.live)
    this.#begin()
    return this.live
  }

  #begin(): void {
    if (this.#options.appends) this.#writerPosition = 0
    if (this.#options.banner !== '') this.#write(`${this.#options.banner}\n`)
  }

  #write(text: string): void {
    if (this.#fd === undefined) throw new Error('there is no writer')
    const bytes = latin1(text)
    writeSync(this.#fd, bytes, 0, bytes.length, this.#options.appends ? null : this.#writerPosition)
    this.#writerPosition += bytes.length
  }

  #extend(carrier: Carrier, { length, isBinary }: { length: number; isBinary: boolean }): string {
    const line: Line = carrier.openLine ?? { texts: [], pieces: [], isComplete: false, isCut: false }
    if (!carrier.openLine) this.lines.push(line)
    carrier.openLine = line
    const piece: Piece = { seq: this.#seq, line }
    this.#seq += 1
    const id = `${line.pieces.length === 0 ? '' : '+'}${piece.seq.toString(36)}`
    // The id recurs throughout, so that lines differ not only at their beginning.
    const filler = `${isBinary ? '\xff\xfe\r\x01' : '.'}${id}`
    const text = id + filler.repeat(length).slice(0, Math.max(0, length - id.length))
    line.pieces.push(piece)
    line.texts.push(text)
    carrier.pieces.push(piece)
    for (let from = 0; from < line.pieces.length; from += 1) {
      this.units.set(line.texts.slice(from).join(''), line.pieces.slice(from))
    }
    return text
  }

  #closeLine(carrier: Carrier): void {
    if (carrier.openLine) carrier.openLine.isComplete = true
    carrier.openLine = undefined
  }

  #cut(carrier: Carrier): void {
    if (carrier.openLine) carrier.openLine.isCut = true
  }

  #release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    this.live = undefined
    this.#isBack = false
    this.#copiedBytes = undefined
    this.#writerPosition = 0
  }

  #rename(carrier: Carrier, to: string): void {
    if (carrier.name === undefined) throw new Error('it is deleted')
    renameSync(this.path(carrier.name), this.path(to))
    carrier.name = to
  }

  #unlink(carrier: Carrier, remove: (name: string) => void): void {
    if (carrier.name === undefined) throw new Error('it is deleted already')
    if (this.#options.keepsInodes) this.#kept.push(openSync(this.path(carrier.name), 'r'))
    remove(carrier.name)
    carrier.name = undefined
    for (const piece of carrier.former) this.mayRepeat.add(piece)
    const gone = carrier.pieces.splice(carrier.heldPieces)
    if (carrier.pieces.length === 0) this.carriers.delete(carrier)
    this.#noteGone(gone)
  }

  #noteGone(pieces: readonly Piece[]): void {
    const gone = pieces.filter((piece) => !this.isSomewhere(piece))
    if (gone.length > 0) this.#options.onGone(gone)
  }

  /** Makes room for the next rotated file and returns its name. */
  #freeName(): string {
    if (this.#options.names === 'stamps') {
      this.#stamps += 1
      return `audit-2026-11-20T14-33-${String(10 + this.#stamps)}.420.log`
    }
    for (const carrier of this.rotated) {
      const [, number, gzip] = /^audit\.log\.(\d+)(\.gz)?$/.exec(carrier.name ?? '') ?? []
      this.#rename(carrier, `audit.log.${Number(number) + 1}${gzip ?? ''}`)
    }
    return 'audit.log.1'
  }

  #age(a: Carrier, b: Carrier): number {
    if (this.#options.names === 'stamps') return (a.name ?? '') < (b.name ?? '') ? -1 : 1
    const number = ({ name }: Carrier) => Number(/\d+/.exec(name ?? '')?.[0])
    return number(b) - number(a)
  }
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
