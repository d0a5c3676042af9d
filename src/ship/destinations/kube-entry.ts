import { dirname, resolve } from 'node:path'
import type { ConfDocument } from '../../config/document.ts'
import type { Finding, Path } from '../../config/finding.ts'
import type { Problem } from '../../config/problem.ts'
import { isObject } from '../../json.ts'
import type { Pem } from '../http/tls-files.ts'

export type Members = Readonly<Record<string, unknown>>

export function membersOf(value: unknown): Members {
  return isObject(value) ? value : {}
}

/** Reads one map of a kubeconfig key by key, and adds problems to the list. */
export class KubeEntry {
  readonly #document: ConfDocument
  readonly #path: Path
  readonly #members: Members
  readonly #problems: Problem[]

  constructor(document: ConfDocument, path: Path, problems: Problem[]) {
    this.#document = document
    this.#path = path
    this.#problems = problems
    this.#members = membersOf(path.reduce(stepInto, document.value))
  }

  has(key: string): boolean {
    const value = this.#members[key]
    return value !== undefined && value !== ''
  }

  /** An empty string counts as absent, as everywhere in a kubeconfig. */
  text(key: string): string | undefined {
    const value = this.#members[key]
    if (value === undefined || value === '') return undefined
    if (typeof value === 'string') return value
    this.fault(key, 'must be a string', 'put it in quotes')
    return undefined
  }

  flag(key: string): boolean {
    const value = this.#members[key] ?? false
    if (typeof value !== 'boolean') this.fault(key, 'must be true or false', 'without quotes')
    return value === true
  }

  /** Returns a path, resolved against the kubeconfig's directory. */
  file(key: string): string | undefined {
    const path = this.text(key)
    return path === undefined ? undefined : resolve(dirname(this.#document.file), path)
  }

  /** Reads `<key>`, the path of a file, or `<key>-data`, base64. */
  pem(key: string): Pem | undefined {
    const path = this.file(key)
    const encoded = this.text(`${key}-data`)
    if (path !== undefined && encoded !== undefined) {
      this.fault(`${key}-data`, `is set together with \`${key}\``, 'keep one of the two')
    }
    if (path !== undefined) return { kind: 'file', path }
    if (encoded === undefined) return undefined
    const pem = decodedPem(encoded)
    if (pem !== undefined) return { kind: 'inline', pem }
    this.fault(`${key}-data`, 'is no base64 of a PEM file', `encode it with \`base64 -w0\`, or use \`${key}\``)
    return undefined
  }

  fault(key: string, message: string, hint: string): void {
    this.#problems.push(this.#problem({ key, message, hint, severity: 'error' }))
  }

  warning(key: string, message: string, hint?: string): Problem {
    return this.#problem({ key, message, hint, severity: 'warning' })
  }

  #problem({ key, message, hint, severity }: { key: string } & Omit<Finding, 'path' | 'at'>): Problem {
    const path = [...this.#path, key]
    const at = this.#members[key] === undefined ? 'absent' : 'key'
    return this.#document.problem({ path, at, severity, message: `\`${key}\` ${message}`, hint })
  }
}

function stepInto(value: unknown, step: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined
}

function decodedPem(encoded: string): string | undefined {
  const compact = encoded.replace(/\s/g, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) return undefined
  const pem = Buffer.from(compact, 'base64').toString('utf8')
  return pem.includes('-----BEGIN ') ? pem : undefined
}
