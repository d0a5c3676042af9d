/** A path in conf.yaml: `['logs', 0, 'path']`. */
export type Path = readonly PropertyKey[]

/** Findings below this path concern the environment. */
export const environmentPath: Path = ['environment']

/** A fault of a value, before its file and line are known. */
export interface Finding {
  readonly path: Path
  /** What to point at: the key, its value, or, if the key is absent, what should contain it. */
  readonly at: 'key' | 'value' | 'absent'
  readonly severity: 'error' | 'warning'
  /** A sentence that names the key. No secrets: a value is quoted only where its key cannot hold one. */
  readonly message: string
  readonly hint?: string | undefined
  /** Whether the fault may disappear while the agent runs, without a change of the configuration. */
  readonly isTransient?: boolean | undefined
}

/** Formats a path: `logs[0].path`. */
export function dotted(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}

/** Returns the last key and the indexes after it, for messages: `path`, `tags[1]`. */
export function shortName(path: Path): string {
  const lastKey = path.findLastIndex((step) => typeof step === 'string')
  return dotted(path.slice(Math.max(0, lastKey)))
}

/** Collects findings, in order. Keys are relative to `base`. */
export class Findings {
  readonly base: Path
  readonly #list: Finding[] = []

  constructor(base: Path) {
    this.base = base
  }

  get list(): readonly Finding[] {
    return this.#list
  }

  /** Adds a finding whose path is not relative to `base`. */
  add(finding: Finding): void {
    this.#list.push(finding)
  }

  refuse(key: Path, message: string, hint?: string): void {
    this.add({ path: [...this.base, ...key], at: 'value', severity: 'error', message, hint })
  }

  miss(key: Path, message: string, hint?: string): void {
    this.add({ path: [...this.base, ...key], at: 'absent', severity: 'error', message, hint })
  }

  warn(key: Path, message: string, hint?: string): void {
    this.add({ path: [...this.base, ...key], at: 'value', severity: 'warning', message, hint })
  }

  /** Warns of a fault that may disappear while the agent runs. */
  warnTransiently(key: Path, message: string): void {
    this.add({ path: [...this.base, ...key], at: 'value', severity: 'warning', message, isTransient: true })
  }
}
