import type { SecretRef } from '../config/config.ts'
import { readSmallFile } from './small-file.ts'

type SecretState =
  | { readonly kind: 'secret'; readonly value: string }
  /** `reason` names the file, but never quotes it. */
  | { readonly kind: 'missing'; readonly reason: string }

/** A secret that may be replaced while the agent runs. */
export interface Secret {
  /** Returns the secret, trimmed. Once read, it is kept while the file is unreadable or holds no valid one. */
  current(): Promise<SecretState>
  /** Makes the next call read the file again, because a receiver has refused the secret. */
  expire(): void
}

export interface SecretOptions {
  readonly recheckMs: number
  readonly now: () => number
}

export function openSecret(ref: SecretRef, options: SecretOptions): Secret {
  if (ref.kind === 'value') return fixedSecret(ref.reveal)
  let readAt = Number.NEGATIVE_INFINITY
  let state: SecretState = { kind: 'missing', reason: `${ref.path}: not read yet` }
  return {
    async current() {
      if (state.kind === 'secret' && options.now() - readAt < options.recheckMs) return state
      readAt = options.now()
      const next = await readSecret(ref.path)
      if (next.kind === 'secret' || state.kind === 'missing') state = next
      return state
    },
    expire() {
      readAt = Number.NEGATIVE_INFINITY
    },
  }
}

function fixedSecret(reveal: () => string): Secret {
  return {
    current: () => Promise.resolve(checkSecret(reveal(), 'the configured secret')),
    expire: () => undefined,
  }
}

async function readSecret(path: string): Promise<SecretState> {
  const file = await readSmallFile(path)
  if (file.kind === 'text') return checkSecret(file.text, path)
  return { kind: 'missing', reason: `${path}: cannot be read (${file.why})` }
}

function checkSecret(text: string, name: string): SecretState {
  const value = text.trim()
  if (value === '') return { kind: 'missing', reason: `${name}: is empty` }
  if (!/^[\x21-\x7e]+$/.test(value))
    return { kind: 'missing', reason: `${name}: is not one word of printable ASCII characters` }
  return { kind: 'secret', value }
}
