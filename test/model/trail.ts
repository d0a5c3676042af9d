/** Properties of a line. `received`: an event at which `blocking-strict` stops; `odd`: not a JSON object. */
export interface Shape {
  readonly kind: 'record' | 'event' | 'received' | 'odd'
  readonly padding: number
  readonly isPoison: boolean
}

export interface Line extends Shape {
  readonly n: number
  readonly text: string
  /** The position after its newline. */
  readonly end: number
}

/** A log of numbered lines. */
export class Trail {
  readonly lines: Line[] = []
  #content = Buffer.alloc(0)
  /** How much of the content is in the file. */
  #written = 0

  /** The content of the file. */
  get content(): Buffer {
    return this.#content.subarray(0, this.#written)
  }

  get end(): number {
    return this.#content.length
  }

  /** Adds lines and returns what is appended to the file. `isTorn`: the last line stays incomplete until the next call. */
  write(shapes: readonly Shape[], isTorn: boolean): Buffer {
    for (const shape of shapes) {
      const n = this.lines.length
      const text = textOf(n, shape)
      this.#content = Buffer.concat([this.#content, Buffer.from(`${text}\n`)])
      this.lines.push({ ...shape, n, text, end: this.#content.length })
    }
    const from = this.#written
    const cut = isTorn ? Math.ceil((this.lines.at(-1)?.text.length ?? 0) / 2) : 0
    this.#written = Math.max(from, this.#content.length - cut)
    return this.#content.subarray(from, this.#written)
  }
}

function textOf(n: number, { kind, padding }: Shape): string {
  if (kind === 'odd') return `"n":${n} ${'x'.repeat(padding)}`
  if (kind === 'received') return JSON.stringify({ n, stage: 'RequestReceived' })
  const data = 'x'.repeat(padding)
  return JSON.stringify(
    kind === 'record' ? { n, data } : { kind: 'Event', apiVersion: 'audit.k8s.io/v1', n, requestObject: { data } },
  )
}

export function numberOf(text: string): number {
  return Number(/"n":(\d+)/.exec(text)?.[1])
}

/** Event `n` as kube-apiserver truncates it. */
export function truncated(n: number): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","n":${n},"annotations":{"audit.k8s.io/truncated":"true"}}`
}
