import type { SourceLabels } from '../chunk.ts'

/**
 * The configuration after loading: defaults filled in, environment applied, paths absolute. Produced only by `load.ts`.
 * Durations are milliseconds, sizes are bytes.
 */
export interface Config {
  /** The files it was read from, for messages. */
  readonly files: readonly string[]
  readonly sources: readonly SourceConfig[]
  /** Items of `logs:` left out because of an error. */
  readonly rejectedSources: readonly RejectedSource[]
  /** At least one; names are unique. */
  readonly destinations: readonly DestinationConfig[]
  readonly checkpoint: CheckpointConfig
  readonly server: ServerConfig
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  readonly hostname: string
  /** False if DD_LOGS_ENABLED=false: the agent runs, says so, and reads nothing. */
  readonly enabled: boolean
  /** Maximum number of open files; files read to their end are closed first. */
  readonly openFilesLimit: number
}

export interface RejectedSource {
  readonly integration: string
  /** As written, if present. */
  readonly path: string | undefined
  /** On one line. */
  readonly error: string
}

type StartPosition = 'beginning' | 'end' | 'forceBeginning' | 'forceEnd'
export type Encoding = 'utf-8' | 'utf-16-le' | 'utf-16-be' | 'shift-jis'

export interface SourceConfig {
  /** The integration's name as shown in the status: from `<name>.d/conf.yaml`, else the file's base name. */
  readonly integration: string
  /** An absolute path or glob. */
  readonly path: string
  readonly excludePaths: readonly string[]
  readonly encoding: Encoding
  readonly startPosition: StartPosition
  /** Whether rotated files present at the very first start are shipped, too, as history. */
  readonly backfill: boolean
  readonly maxLineBytes: number
  readonly labels: SourceLabels
  readonly rules: readonly RuleConfig[]
}

/** Datadog's log_processing_rules. The patterns are RE2, already validated by compiling them. */
export type RuleConfig =
  | { readonly kind: 'exclude_at_match' | 'include_at_match'; readonly name: string; readonly pattern: string }
  | { readonly kind: 'mask_sequences'; readonly name: string; readonly pattern: string; readonly placeholder: string }

export type Compression = 'zstd' | 'gzip' | 'none'

interface DestinationBase {
  readonly name: string
  readonly compression: Compression
  readonly compressionLevel: number
  readonly delivery: DeliveryConfig
  readonly proxy: ProxyConfig
  readonly tls: TlsConfig
  /** Limit of `<run_path>/dead-letter/<name>/`; once reached, the destination holds. */
  readonly deadLetterMaxBytes: number
}

export interface DatadogConfig extends DestinationBase {
  readonly type: 'datadog'
  /** The full URL, with `/api/v2/logs`. */
  readonly url: string
  readonly apiKey: SecretRef
  /** `line`: a record's `message` is the line. `attributes`: a record is the event's own object plus reserved attributes. */
  readonly messageFormat: 'line' | 'attributes'
}

export interface WebhookConfig extends DestinationBase {
  readonly type: 'webhook'
  /** Exactly one of `url` and `kubeconfig` is set. */
  readonly url: string | undefined
  readonly kubeconfig: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly token: SecretRef | undefined
}

export type DestinationConfig = DatadogConfig | WebhookConfig
export type DestinationType = DestinationConfig['type']

/** A secret by value or by file. The value is never logged, shown or serialised: `secret()` keeps it out of JSON. */
export type SecretRef =
  | { readonly kind: 'value'; readonly reveal: () => string }
  | { readonly kind: 'file'; readonly path: string }

export interface DeliveryConfig {
  readonly mode: 'batch' | 'blocking' | 'blocking-strict'
  readonly batchMaxSize: number
  readonly batchMaxBytes: number
  readonly batchMaxWaitMs: number
  readonly throttleEnable: boolean
  readonly throttleQps: number
  readonly throttleBurst: number
  readonly maxInFlight: number
  readonly initialBackoffMs: number
  readonly backoffFactor: number
  readonly maxBackoffMs: number
  /** Undefined if there is no limit. */
  readonly maxAttempts: number | undefined
  readonly requestTimeoutMs: number
}

export interface ProxyConfig {
  readonly https: string | undefined
  readonly http: string | undefined
  /** Host names, `.suffixes`, addresses and CIDR ranges that bypass the proxy. */
  readonly noProxy: readonly string[]
}

export interface TlsConfig {
  readonly caFile: string | undefined
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  readonly serverName: string | undefined
  readonly insecureSkipVerify: boolean
}

export interface CheckpointConfig {
  readonly runPath: string
  /** A Datadog Agent registry.json (v2) that provides positions this agent does not have. */
  readonly importPath: string | undefined
  /** How long the state of a file that is gone is kept. */
  readonly expireAfterMs: number
}

interface ServerConfig {
  /** Undefined if there is no TCP address. */
  readonly listen: { readonly host: string; readonly port: number } | undefined
  /** In addition to `<run_path>/agent.sock`, which cannot be created if the run path is not writable. */
  readonly sockets: readonly string[]
}
