import { Buffer } from 'node:buffer'
import type { Secret } from '../secret.ts'

/** The `Authorization` header, which may change while the agent runs. */
export interface Authorization {
  current(): Promise<
    | { readonly kind: 'header'; readonly value: string | undefined; readonly secrets: readonly string[] }
    /** `reason` names the file, but never quotes it. */
    | { readonly kind: 'missing'; readonly reason: string }
  >
  /** Makes the next call check for a change, because the receiver has refused the header. */
  expire(): void
}

export const anonymous: Authorization = {
  current: () => Promise.resolve({ kind: 'header', value: undefined, secrets: [] }),
  expire: () => undefined,
}

/** `fallback` is used until the token's file has been read once. */
export function bearer(token: Secret, fallback?: string): Authorization {
  return {
    async current() {
      const state = await token.current()
      const value = state.kind === 'secret' ? state.value : fallback
      if (value !== undefined) return { kind: 'header', value: `Bearer ${value}`, secrets: [value] }
      return { kind: 'missing', reason: state.kind === 'missing' ? `token: ${state.reason}` : 'no token' }
    },
    expire: token.expire,
  }
}

export function basic(username: string, password: string): Authorization {
  const encoded = Buffer.from(`${username}:${password}`).toString('base64')
  return {
    current: () => Promise.resolve({ kind: 'header', value: `Basic ${encoded}`, secrets: [encoded, password] }),
    expire: () => undefined,
  }
}
