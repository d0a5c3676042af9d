import { stat } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import { codeOf, readSmallFile } from '../small-file.ts'

/** PEM text given in the configuration itself, or the file that holds it. */
export type Pem = { readonly kind: 'inline'; readonly pem: string } | { readonly kind: 'file'; readonly path: string }

export interface TlsSpec {
  /** Replaces the system's roots. */
  readonly ca: Pem | undefined
  readonly cert: Pem | undefined
  readonly key: Pem | undefined
  /** Sent as SNI and expected in the certificate, instead of the address's host. */
  readonly serverName: string | undefined
  readonly insecureSkipVerify: boolean
}

export interface TlsMaterial {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly serverName: string | undefined
  readonly insecureSkipVerify: boolean
}

export type TlsLoad =
  | { readonly kind: 'loaded'; readonly material: TlsMaterial }
  /** Names the file and what is wrong with it; never its content. */
  | { readonly kind: 'unusable'; readonly reason: string }

export interface TlsSource {
  /** The same material until the files have changed; the old one while new files are unusable, as halfway through a rotation. */
  current(): Promise<TlsLoad>
  /** Looks at the files again the next time. */
  expire(): void
}

const CHECK_EVERY_MS = 5_000

export function createTlsSource(spec: TlsSpec, now: () => number): TlsSource {
  let checkedAt = Number.NEGATIVE_INFINITY
  let stamp: string | undefined
  let load: TlsLoad | undefined
  let checking: Promise<TlsLoad> | undefined

  async function check(): Promise<TlsLoad> {
    const before = await stampOf(spec)
    if (load?.kind === 'loaded' && before === stamp) return load
    const next = await loadTls(spec)
    if (next.kind === 'unusable' && load?.kind === 'loaded') return load
    // Files that change while they are read have another stamp the next time.
    stamp = before
    load = next
    return next
  }

  return {
    async current() {
      if (load !== undefined && now() - checkedAt < CHECK_EVERY_MS) return load
      checkedAt = now()
      checking ??= check().finally(() => {
        checking = undefined
      })
      return checking
    },
    expire() {
      checkedAt = Number.NEGATIVE_INFINITY
    },
  }
}

/** Changes whenever one of the files is written, replaced or retargeted. */
async function stampOf(spec: TlsSpec): Promise<string> {
  const files = [spec.ca, spec.cert, spec.key].flatMap((pem) => (pem?.kind === 'file' ? [pem.path] : []))
  const stamps = await Promise.all(files.map(stampOfFile))
  return stamps.join(' ')
}

async function stampOfFile(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true })
    return `${ino}:${size}:${mtimeNs}`
  } catch (error) {
    return codeOf(error)
  }
}

/** Reads and proves the files: a certificate that does not belong to its key is unusable. */
async function loadTls(spec: TlsSpec): Promise<TlsLoad> {
  const parts = await Promise.all([readPem(spec.ca), readPem(spec.cert), readPem(spec.key)])
  const unusable = parts.find((part) => part.kind === 'unusable')
  if (unusable !== undefined) return unusable
  const [ca, cert, key] = parts.map((part) => (part.kind === 'read' ? part.pem : undefined))
  try {
    if (ca ?? cert ?? key) await prove({ ca, cert, key })
  } catch (error) {
    return { kind: 'unusable', reason: `${namesOf(spec)}: ${error instanceof Error ? error.message : error}` }
  }
  const { serverName, insecureSkipVerify } = spec
  return { kind: 'loaded', material: { ca, cert, key, serverName, insecureSkipVerify } }
}

/** Throws where OpenSSL does. Whoever ships without TLS does without the 3 MB that node:tls takes. */
async function prove(pems: SecureContextOptions): Promise<void> {
  const { createSecureContext } = await import('node:tls')
  createSecureContext(pems)
}

type PemRead =
  | { readonly kind: 'read'; readonly pem: string | undefined }
  | { readonly kind: 'unusable'; readonly reason: string }

async function readPem(source: Pem | undefined): Promise<PemRead> {
  if (source === undefined) return { kind: 'read', pem: undefined }
  if (source.kind === 'inline') return checkPem(source.pem, 'inline PEM')
  const file = await readSmallFile(source.path)
  if (file.kind === 'text') return checkPem(file.text, source.path)
  return { kind: 'unusable', reason: `${source.path}: cannot be read (${file.why})` }
}

/** OpenSSL takes a CA text without a certificate for an empty list, which would only show as a server nobody trusts. */
function checkPem(pem: string, name: string): PemRead {
  if (pem.includes('-----BEGIN ')) return { kind: 'read', pem }
  return { kind: 'unusable', reason: `${name}: holds no PEM block` }
}

function namesOf(spec: TlsSpec): string {
  const names = [spec.ca, spec.cert, spec.key].map((pem) => (pem?.kind === 'file' ? pem.path : pem && 'inline PEM'))
  return names.filter((name) => name !== undefined).join(', ')
}
