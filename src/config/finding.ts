/** A place in conf.yaml: `['logs', 0, 'path']`. */
export type Path = readonly PropertyKey[]

/** Something wrong with a value, before it is known in which file and line it stands. */
export interface Finding {
  readonly path: Path
  /** What to point at: the key, its value, or, where the key is absent, what should hold it. */
  readonly at: 'key' | 'value' | 'absent'
  readonly severity: 'error' | 'warning'
  /** A sentence that names the key. No secrets: a value is quoted only where its key cannot hold one. */
  readonly message: string
  readonly hint?: string | undefined
  /** It may be over while the agent runs, without a change of the configuration. */
  readonly mayPass?: boolean | undefined
}

/** `logs[0].path`. */
export function dotted(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}

/** The last key with what follows it, for a sentence: `path`, `tags[1]`. */
export function shortName(path: Path): string {
  return dotted(
    path.slice(
      Math.max(
        0,
        path.findLastIndex((step) => typeof step === 'string'),
      ),
    ),
  )
}

/** Findings about the keys below one path, in the order they are made. */
export class Findings {
  readonly list: Finding[] = []
  readonly #base: Path

  constructor(base: Path) {
    this.#base = base
  }

  refuse(key: Path, message: string, hint?: string): void {
    this.list.push({ path: [...this.#base, ...key], at: 'value', severity: 'error', message, hint })
  }

  miss(key: Path, message: string, hint?: string): void {
    this.list.push({ path: [...this.#base, ...key], at: 'absent', severity: 'error', message, hint })
  }

  warn(key: Path, message: string, hint?: string): void {
    this.list.push({ path: [...this.#base, ...key], at: 'value', severity: 'warning', message, hint })
  }

  /** Warns of what may be over while the agent runs. */
  warnForNow(key: Path, message: string): void {
    this.list.push({ path: [...this.#base, ...key], at: 'value', severity: 'warning', message, mayPass: true })
  }
}
