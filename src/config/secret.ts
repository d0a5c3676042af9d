import type { SecretRef } from './config.ts'

/** Keeps a secret out of JSON, `inspect` and string concatenation: it exists only in a closure. */
export function secret(value: string): SecretRef {
  return { kind: 'value', reveal: () => value }
}
