import type { Disk, Line, Piece } from './disk.ts'

/** What one destination has received of the log, and what it may and must receive. */
export class Law {
  readonly #destination: string
  readonly #units: ReadonlyMap<string, readonly Piece[]>
  readonly #mayRepeat: ReadonlySet<Piece>
  /** Pieces delivered since the last start. */
  readonly #taken = new Set<Piece>()
  /** Pieces settled and saved, which must never be delivered again. */
  readonly #durable = new Set<Piece>()
  /** Pieces lost with their files before they were read. */
  readonly #excused = new Set<Piece>()
  /** By generation, the last piece delivered since the last start. */
  readonly #last = new Map<string, Piece>()
  readonly #parts = new Map<string, { pieces: readonly Piece[]; isSettled: boolean }[]>()

  constructor(destination: string, { units, mayRepeat }: Pick<Disk, 'units' | 'mayRepeat'>) {
    this.#destination = destination
    this.#units = units
    this.#mayRepeat = mayRepeat
  }

  isUnread(piece: Piece): boolean {
    return !this.#taken.has(piece) && !this.#durable.has(piece)
  }

  /** Checks the lines of one part. Returns a function that settles it. */
  deliver(generation: string, lines: readonly string[]): () => void {
    const pieces = lines.flatMap((line) => this.#deliverLine(generation, line))
    const part = { pieces, isSettled: false }
    const parts = this.#parts.get(generation)
    if (parts) parts.push(part)
    else this.#parts.set(generation, [part])
    return () => {
      part.isSettled = true
    }
  }

  /** Notes that positions are durable: everything settled before the first gap. */
  save(): void {
    for (const parts of this.#parts.values()) {
      for (const part of parts) {
        if (!part.isSettled) break
        for (const piece of part.pieces) this.#durable.add(piece)
      }
    }
  }

  /** Notes that these pieces are no longer in any file: lost, unless already read. */
  lose(pieces: Iterable<Piece>): void {
    for (const piece of pieces) if (this.isUnread(piece)) this.#excused.add(piece)
  }

  /** Forgets what is not durable. */
  crash(): void {
    this.#taken.clear()
    this.#last.clear()
    this.#parts.clear()
  }

  /** The pieces of these lines that should have been delivered but were not. */
  missing(lines: readonly Line[]): string[] {
    return lines.flatMap(({ pieces, texts }) =>
      texts.filter((_, index) => {
        const piece = pieces[index]
        return piece && this.isUnread(piece) && !this.#excused.has(piece)
      }),
    )
  }

  #deliverLine(generation: string, text: string): readonly Piece[] {
    const pieces = this.#units.get(text)
    const [first] = pieces ?? []
    if (!pieces || !first) return this.#fail(`got what is no line: ${short(text)}`)
    const { line } = first
    const isWhole = line.isComplete && pieces.length === line.pieces.length
    if (!isWhole && !line.isCut) return this.#fail(`got a part of a line: ${short(text)}`)
    const last = this.#last.get(generation)
    if (last && last.seq >= first.seq) return this.#fail(`got ${short(text)} out of order in ${generation}`)
    this.#last.set(generation, pieces.at(-1) ?? first)
    for (const piece of pieces) {
      const isOnce = !this.#mayRepeat.has(piece)
      if (isOnce && this.#durable.has(piece)) return this.#fail(`got again, though settled and saved: ${short(text)}`)
      if (isOnce && this.#taken.has(piece)) return this.#fail(`got twice: ${short(text)}`)
      this.#taken.add(piece)
    }
    return pieces
  }

  #fail(what: string): never {
    throw new Error(`${this.#destination} ${what}`)
  }
}

function short(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}… (${text.length})` : text)
}
