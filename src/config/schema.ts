/**
 * conf.yaml as written: a public contract. Keys are added, never renamed. Defaults, and checks that involve several keys or
 * the environment, are in `delivery.ts`, `sources.ts`, `destinations.ts` and `resolve.ts`.
 */
import * as z from 'zod/mini'
import { listenAddress, proxyUrl, url } from './addresses.ts'
import { credential, duration, list, MAX_LABEL_LENGTH, matching, size, tagList } from './scalars.ts'
import { DAY_MS, HOUR_MS } from './units.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30

/** `description` is only for editors, which show it. */
const text = (description: string) => z.string().check(z.minLength(1), z.describe(description))
/** What every record carries is limited: see `MAX_TAGS_LENGTH`. */
const label = (description: string) =>
  z.string().check(z.minLength(1), z.maxLength(MAX_LABEL_LENGTH), z.describe(description))
const flag = (description: string) => z.boolean().check(z.describe(description))
const count = (max: number, description: string) => z.int().check(z.minimum(1), z.maximum(max), z.describe(description))

export const ruleSchema = z.strictObject({
  type: z.enum(['exclude_at_match', 'include_at_match', 'mask_sequences']),
  name: text('Named in messages'),
  pattern: text('An RE2 expression'),
  replace_placeholder: z.optional(z.string().check(z.describe('mask_sequences: what stands in for a match'))),
})

export const sourceSchema = z.strictObject({
  type: z.literal('file'),
  path: text('Absolute path or glob'),
  exclude_paths: z.optional(list('Globs of files to leave out')),
  encoding: z.optional(z.enum(['utf-8', 'utf-16-le', 'utf-16-be', 'shift-jis', '']).check(z.describe('Default utf-8'))),
  start_position: z.optional(
    z
      .enum(['beginning', 'end', 'forceBeginning', 'forceEnd'])
      .check(z.describe('Where a file without a stored position is begun; the force forms ignore stored positions')),
  ),
  backfill: z.optional(flag('Ship rotated files that exist at the very first start, too; default false')),
  max_line_bytes: z.optional(size({ min: 1, max: 64 * MiB }, 'Longer lines are truncated or dead-lettered')),
  service: z.optional(label('`service` of every record')),
  source: z.optional(label('`ddsource` of every record')),
  sourcecategory: z.optional(label('Becomes the tag `sourcecategory:…`')),
  tags: z.optional(tagList('key:value tags of every record')),
  log_processing_rules: z.optional(z.array(ruleSchema)),
})

export const deliverySchema = z.strictObject({
  mode: z.optional(z.enum(['batch', 'blocking', 'blocking-strict'])),
  batch_max_size: z.optional(count(100_000, 'Events in a batch')),
  batch_max_bytes: z.optional(size({ min: 1, max: 64 * MiB }, 'Uncompressed bytes of a batch')),
  batch_max_wait: z.optional(
    duration({ min: 0, max: HOUR_MS }, 'How long a batch waits to fill, from its first record'),
  ),
  throttle_enable: z.optional(flag('Whether requests are throttled')),
  throttle_qps: z.optional(z.number().check(z.gt(0), z.maximum(1e6), z.describe('Requests a second'))),
  throttle_burst: z.optional(count(1e6, 'Requests at once after a quiet time')),
  max_in_flight: z.optional(count(256, 'Requests under way at a time')),
  initial_backoff: z.optional(duration({ min: 1, max: HOUR_MS }, 'Wait before the first retry')),
  backoff_factor: z.optional(z.number().check(z.minimum(1), z.maximum(100), z.describe('Growth of the wait'))),
  max_backoff: z.optional(duration({ min: 1, max: DAY_MS }, 'Longest wait before a retry')),
  max_attempts: z.optional(count(1e6, 'Attempts before a batch is dead-lettered; default: no limit')),
  request_timeout: z.optional(duration({ min: 1, max: HOUR_MS }, 'Time for one request and its answer')),
})

export const proxySchema = z.strictObject({
  https: z.optional(proxyUrl('Proxy for https URLs')),
  http: z.optional(proxyUrl('Proxy for http URLs')),
  no_proxy: z.optional(list('Host names, .suffixes, addresses and CIDR ranges that go direct')),
})

export const tlsSchema = z.strictObject({
  ca_file: z.optional(text('PEM certificates to trust instead of the system’s')),
  cert_file: z.optional(text('PEM certificate to present')),
  key_file: z.optional(text('PEM key of that certificate')),
  server_name: z.optional(text('Name to expect in the server’s certificate')),
  insecure_skip_verify: z.optional(flag('Trust any certificate: for experiments only')),
})

const destinationShape = {
  name: z.optional(
    matching(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
      'must be 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit',
      'Positions and dead letters are kept by it; default: the type',
    ),
  ),
  compression: z.optional(z.enum(['zstd', 'gzip', 'none'])),
  compression_level: z.optional(
    z.int().check(z.minimum(1), z.maximum(22), z.describe('zstd 1 to 22, gzip 1 to 9; default 1')),
  ),
  dead_letter_max_bytes: z.optional(size({ min: 0, max: 1024 * GiB }, 'Full: the destination holds')),
  proxy: z.optional(proxySchema),
  tls: z.optional(tlsSchema),
  ca_file: z.optional(text('The same as tls.ca_file')),
  delivery: z.optional(deliverySchema),
}

export const datadogSchema = z.strictObject({
  type: z.literal('datadog'),
  ...destinationShape,
  site: z.optional(
    matching(
      /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/,
      'must be the name of a Datadog site such as datadoghq.eu, not a URL',
      'Default: DD_SITE, datadoghq.com',
    ),
  ),
  url: z.optional(url('Instead of site; /api/v2/logs is appended')),
  api_key: z.optional(credential('The API key; better in a file or in DD_API_KEY')),
  api_key_file: z.optional(text('File with the API key; read again when it changes')),
  message_format: z.optional(
    z.enum(['line', 'attributes']).check(z.describe('line: `message` is the line; attributes: the event’s own object')),
  ),
})

const headerValue = matching(/^[\t -~]*$/, 'must be a string of printable ASCII characters', 'Value of the header')

export const webhookSchema = z.strictObject({
  type: z.literal('webhook'),
  ...destinationShape,
  url: z.optional(url('Where to POST event lists')),
  kubeconfig: z.optional(text('A kubeconfig as of --audit-webhook-config-file, instead of url')),
  headers: z.optional(z.record(z.string(), headerValue)),
  token: z.optional(credential('Bearer token; better in a file')),
  token_file: z.optional(text('File with the bearer token; read again when it changes')),
})

/** The keys that destinations of every type have. */
export const commonDestinationSchema = z.object(destinationShape)

export const destinationSchema = z.discriminatedUnion('type', [datadogSchema, webhookSchema])

export const checkpointSchema = z.strictObject({
  run_path: z.optional(text('Directory of registry.json, agent.sock and dead-letter/')),
  import: z.optional(text('A Datadog Agent’s registry.json to take positions from')),
  expire_after: z.optional(
    duration({ min: HOUR_MS, max: 3_650 * DAY_MS }, 'State of a vanished file is kept this long'),
  ),
})

export const serverSchema = z.strictObject({
  listen: z.optional(listenAddress('TCP address of /live, /ready, /startup and /metrics')),
  socket: z.optional(text('A unix socket besides <run_path>/agent.sock, for where the run path may not be writable')),
})

/** `instances` and `init_config` hold the checks in integrations' files; only `init_config.service` matters here. */
const initConfigSchema = z.looseObject({ service: z.optional(label('Service of items that name none')) })

export const confSchema = z.strictObject({
  logs: z.optional(z.array(sourceSchema)),
  destination: z.optional(destinationSchema),
  destinations: z.optional(z.array(destinationSchema).check(z.minLength(1))),
  delivery: z.optional(deliverySchema),
  checkpoint: z.optional(checkpointSchema),
  server: z.optional(serverSchema),
  log_level: z.optional(z.enum(['trace', 'debug', 'info', 'warn', 'error'])),
  hostname: z.optional(
    matching(
      /^[!-~]{1,255}$/,
      'must be a host name: at most 255 printable ASCII characters without spaces',
      'Default: DD_HOSTNAME, NODE_NAME, the host’s name',
    ),
  ),
  tags: z.optional(tagList('key:value tags of every record')),
  open_files_limit: z.optional(count(100_000, 'Most files held open at once')),
  init_config: z.optional(initConfigSchema),
  instances: z.optional(z.array(z.unknown())),
})

export type RuleConf = z.output<typeof ruleSchema>
export type SourceConf = z.output<typeof sourceSchema>
export type DeliveryConf = z.output<typeof deliverySchema>
export type ProxyConf = z.output<typeof proxySchema>
export type DatadogConf = z.output<typeof datadogSchema>
export type WebhookConf = z.output<typeof webhookSchema>
export type DestinationConf = z.output<typeof destinationSchema>
export type Conf = z.output<typeof confSchema>
