import { stat } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import { codeOf, readSmallFile } from '../small-file.ts'

/** PEM text from the configuration itself, or a file that contains it. */
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

type TlsLoad =
  | { readonly kind: 'loaded'; readonly material: TlsMaterial }
  /** `reason` names the file and what is wrong with it, but never quotes it. */
  | { readonly kind: 'unusable'; readonly reason: string }

export interface TlsSource {
  /** Returns the same material until the files change; keeps it while new files are unusable, as midway through a rotation. */
  current(): Promise<TlsLoad>
  /** Makes the next call check the files again. */
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
    // If the files change while being read, their next stamp differs, and they are read again.
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

/** Returns a stamp that changes whenever one of the files is written, replaced or retargeted. */
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

async function loadTls(spec: TlsSpec): Promise<TlsLoad> {
  const { pems, faults } = await inspectTls(spec)
  const [fault] = faults
  if (fault !== undefined) return { kind: 'unusable', reason: reasonOf(fault, spec) }
  const { serverName, insecureSkipVerify } = spec
  return { kind: 'loaded', material: { ...pems, serverName, insecureSkipVerify } }
}

const tlsParts = ['ca', 'cert', 'key'] as const
export type TlsPart = (typeof tlsParts)[number]

type TlsFault =
  /** `what`: the fault of the file, without any of its content. */
  | { readonly kind: 'unusable'; readonly part: TlsPart; readonly what: string }
  /** The key does not match the certificate. */
  | { readonly kind: 'mismatch' }

interface Inspected {
  readonly pems: Pick<TlsMaterial, TlsPart>
  readonly faults: readonly TlsFault[]
}

/** Reads and validates each file, and checks that certificate and key match. */
export async function inspectTls(spec: TlsSpec): Promise<Inspected> {
  const reads = await Promise.all(tlsParts.map((part) => readPart(part, spec[part])))
  const faults = reads.flatMap(({ fault }) => fault ?? [])
  const [ca, cert, key] = reads.map(({ pem }) => pem)
  const isPair = cert !== undefined && key !== undefined && faults.every(({ part }) => part === 'ca')
  const isMismatch = isPair && (await refusal({ cert, key })) !== undefined
  return { pems: { ca, cert, key }, faults: isMismatch ? [...faults, { kind: 'mismatch' }] : faults }
}

function reasonOf(fault: TlsFault, spec: TlsSpec): string {
  return fault.kind === 'mismatch'
    ? `${nameOf(spec.key)}: does not belong to ${nameOf(spec.cert)}`
    : `${nameOf(spec[fault.part])}: ${fault.what}`
}

const nameOf = (pem: Pem | undefined) => (pem?.kind === 'file' ? pem.path : 'inline PEM')

interface PartRead {
  readonly pem: string | undefined
  readonly fault?: Extract<TlsFault, { kind: 'unusable' }>
}

async function readPart(part: TlsPart, source: Pem | undefined): Promise<PartRead> {
  if (source === undefined) return { pem: undefined }
  const unusable = (what: string): PartRead => ({ pem: undefined, fault: { kind: 'unusable', part, what } })
  const file = source.kind === 'file' ? await readSmallFile(source.path) : undefined
  if (file?.kind === 'unreadable') return unusable(`cannot be read (${file.why})`)
  const pem = source.kind === 'inline' ? source.pem : (file?.text ?? '')
  // OpenSSL treats a CA text without a certificate as an empty list, which would only show up as an untrusted server.
  if (!pem.includes('-----BEGIN ')) return unusable('contains no PEM block')
  const refused = await refusal({ [part]: pem })
  return refused === undefined ? { pem } : unusable(`cannot be used (${refused})`)
}

/** Returns OpenSSL's objection, if any. Imports node:tls on demand, which saves 3 MB when shipping without TLS. */
async function refusal(pems: SecureContextOptions): Promise<string | undefined> {
  const { createSecureContext } = await import('node:tls')
  try {
    createSecureContext(pems)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
