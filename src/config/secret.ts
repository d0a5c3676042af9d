import type { SecretRef } from './config.ts'

/** Keeps a secret out of JSON, of `inspect` and of string concatenation: it is in a closure only. */
export function secret(value: string): SecretRef {
  return { kind: 'value', reveal: () => value }
}
