import type { Job } from './agent-process.ts'

export type Codec = 'none' | 'zstd' | 'gzip'

/** What a workload is compared with: copying the file to the sink, or the bare codec. */
export const limits = ['copy', 'zstd', 'gzip'] as const
export type Limit = (typeof limits)[number]

/** A way to ship a backlog. */
export interface Workload {
  readonly name: string
  readonly limit: Limit
  job(port: number): Job
}

const limitOf = { none: 'copy', zstd: 'zstd', gzip: 'gzip' } as const

export const workloads = {
  webhookNone: webhook('none'),
  webhookZstd: webhook('zstd'),
  webhookGzip: webhook('gzip'),
  datadogNone: datadog('none', 'line'),
  datadogZstd: datadog('zstd', 'line'),
  datadogGzip: datadog('gzip', 'line'),
  attributesNone: datadog('none', 'attributes'),
  attributesZstd: datadog('zstd', 'attributes'),
}

export const quickWorkloads = [
  workloads.webhookNone,
  workloads.webhookZstd,
  workloads.webhookGzip,
  workloads.datadogZstd,
  workloads.attributesZstd,
]

/** Three rules examine every line; one of them changes a line now and then. */
const rules = [
  { type: 'exclude_at_match', name: 'health', pattern: '"requestURI":"/(healthz|livez|readyz)' },
  { type: 'include_at_match', name: 'known', pattern: '"kind":"Event"' },
  { type: 'mask_sequences', name: 'tokens', pattern: '"(token|password)":"[^"]*"', replace_placeholder: '"$1":"***"' },
]

export function withRules(workload: Workload): Workload {
  return {
    ...workload,
    name: `${workload.name}, rules`,
    job: (port) => ({ ...workload.job(port), source: `, log_processing_rules: ${JSON.stringify(rules)}` }),
  }
}

/** Batches of 5 MB instead of 1,000 lines: faster, and 1,000 short lines make only a small request. */
export function withLargeBatches(workload: Workload): Workload {
  const delivery = 'batch_max_wait: 0s, batch_max_size: 20000'
  return { ...workload, name: `${workload.name}, large batches`, job: (port) => ({ ...workload.job(port), delivery }) }
}

function webhook(codec: Codec): Workload {
  const job = (port: number) => ({
    destination: `type: webhook, url: "http://127.0.0.1:${port}/audit", ${compression(codec)}`,
  })
  return { name: `webhook ${codec}`, limit: limitOf[codec], job }
}

function datadog(codec: Codec, format: 'line' | 'attributes'): Workload {
  const key = '0123456789abcdef0123456789abcdef'
  const job = (port: number) => ({
    destination: `type: datadog, url: "http://127.0.0.1:${port}", api_key: ${key}, message_format: ${format}, ${compression(codec)}`,
  })
  return { name: `datadog ${format === 'line' ? '' : `${format} `}${codec}`, limit: limitOf[codec], job }
}

/** Always level 1. */
function compression(codec: Codec): string {
  return codec === 'none' ? 'compression: none' : `compression: ${codec}, compression_level: 1`
}
