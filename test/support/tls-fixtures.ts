import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TlsConfig } from '../../src/config/config.ts'

/**
 * `ca.pem` has signed `server` (localhost, 127.0.0.1, ::1, intake.test), `named` (intake.test only), `client-a` and
 * `client-b`; `other-ca.pem` has signed nothing. `expired.pem` is self-signed and was valid in 2020; all others are valid
 * from 2020 to 2120. Made with openssl on P-256; the CA keys were discarded.
 */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`fixtures/tls/${name}`, import.meta.url))
}

export function fixtureText(name: string): string {
  return readFileSync(fixturePath(name), 'utf8')
}

export function serverIdentity(name = 'server'): { readonly cert: string; readonly key: string } {
  return { cert: fixtureText(`${name}.pem`), key: fixtureText(`${name}.key`) }
}

export function tlsConfig(more: Partial<TlsConfig> = {}): TlsConfig {
  return {
    caFile: fixturePath('ca.pem'),
    certFile: undefined,
    keyFile: undefined,
    serverName: undefined,
    insecureSkipVerify: false,
    ...more,
  }
}
