import type { DestinationConfig, TlsConfig } from '../../config/config.ts'
import type { BodyLimits } from '../body/list-body.ts'
import { proxyFor } from '../http/proxy.ts'
import { parseTarget, type Target } from '../http/target.ts'
import type { Pem, TlsSpec } from '../http/tls-files.ts'
import { Transport } from '../http/transport.ts'

/** What a destination needs besides its own configuration. */
export interface DestinationContext {
  /** The node's, for the records. */
  readonly hostname: string
  /** The agent's. */
  readonly version: string
  /** The largest of all sources. */
  readonly maxLineBytes: number
  /** A monotonic clock in milliseconds. */
  readonly now: () => number
  /** Reports what an operator should know; without secrets. */
  readonly warn: (message: string) => void
}

export function bodyLimitsOf({ delivery }: DestinationConfig, { maxLineBytes }: DestinationContext): BodyLimits {
  return { batchMaxSize: delivery.batchMaxSize, batchMaxBytes: delivery.batchMaxBytes, maxLineBytes }
}

/** Parses an address. Throws if it is invalid, which loading the configuration has ruled out. */
export function targetOf(address: string | undefined, { name }: DestinationConfig): Target {
  const target = parseTarget(address ?? '')
  if (target === undefined) throw new Error(`${name}: not the URL of a destination`)
  return target
}

interface TransportOptions {
  readonly target: Target
  readonly config: DestinationConfig
  /** Overrides the configuration. */
  readonly tls?: TlsSpec
  readonly proxy?: string | undefined
}

export function openTransport(
  { target, config, tls, proxy }: TransportOptions,
  { now }: DestinationContext,
): Transport {
  return new Transport({
    target,
    tls: tls ?? tlsSpecOf(config.tls),
    proxy: proxy ?? proxyFor(target, config.proxy),
    requestTimeoutMs: config.delivery.requestTimeoutMs,
    now,
  })
}

export function tlsSpecOf({ caFile, certFile, keyFile, serverName, insecureSkipVerify }: TlsConfig): TlsSpec {
  return { ca: pemFile(caFile), cert: pemFile(certFile), key: pemFile(keyFile), serverName, insecureSkipVerify }
}

function pemFile(path: string | undefined): Pem | undefined {
  return path === undefined ? undefined : { kind: 'file', path }
}
