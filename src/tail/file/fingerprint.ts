import { hash } from 'node:crypto'
import type { Fingerprint } from '../../checkpoint/registry.ts'

export const NO_FINGERPRINT: Fingerprint = { length: 0, hash: '' }

/** 96 bits of SHA-256: enough to tell files apart, and no content can be recovered from the state. */
export function fingerprint(bytes: Uint8Array): Fingerprint {
  if (bytes.length === 0) return NO_FINGERPRINT
  return { length: bytes.length, hash: hash('sha256', bytes, 'hex').slice(0, 24) }
}

/** Returns a `fingerprint` for the beginnings of one file: each length is hashed only once, however often it is compared. */
export function fingerprintOnce(): (begin: Uint8Array) => Fingerprint {
  const known = new Map<number, Fingerprint>()
  return (begin) => {
    const found = known.get(begin.length) ?? fingerprint(begin)
    known.set(begin.length, found)
    return found
  }
}
