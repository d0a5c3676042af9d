import type { Job } from './agent-process.ts'

export type Codec = 'none' | 'zstd' | 'gzip'

/** What a work is measured against: the copy of the file to the sink, or a codec alone. */
export const limits = ['copy', 'zstd', 'gzip'] as const
export type Limit = (typeof limits)[number]

/** A way to ship a backlog. */
export interface Work {
  readonly name: string
  readonly limit: Limit
  job(port: number): Job
}

const limitOf = { none: 'copy', zstd: 'zstd', gzip: 'gzip' } as const

export const works = {
  webhookNone: webhook('none'),
  webhookZstd: webhook('zstd'),
  webhookGzip: webhook('gzip'),
  datadogNone: datadog('none', 'line'),
  datadogZstd: datadog('zstd', 'line'),
  datadogGzip: datadog('gzip', 'line'),
  attributesNone: datadog('none', 'attributes'),
  attributesZstd: datadog('zstd', 'attributes'),
}

export const quickWorks = [
  works.webhookNone,
  works.webhookZstd,
  works.webhookGzip,
  works.datadogZstd,
  works.attributesZstd,
]

/** Each line is looked at by three rules, one of which changes one line in a few. */
const rules = [
  { type: 'exclude_at_match', name: 'health', pattern: '"requestURI":"/(healthz|livez|readyz)' },
  { type: 'include_at_match', name: 'known', pattern: '"kind":"Event"' },
  { type: 'mask_sequences', name: 'tokens', pattern: '"(token|password)":"[^"]*"', replace_placeholder: '"$1":"***"' },
]

export function withRules(work: Work): Work {
  return {
    ...work,
    name: `${work.name}, rules`,
    job: (port) => ({ ...work.job(port), source: `, log_processing_rules: ${JSON.stringify(rules)}` }),
  }
}

/** Batches of 5 MB instead of a thousand lines: for lines so short that a thousand make a small request, and for speed. */
export function withLargeBatches(work: Work): Work {
  const delivery = 'batch_max_wait: 0s, batch_max_size: 20000'
  return { ...work, name: `${work.name}, large batches`, job: (port) => ({ ...work.job(port), delivery }) }
}

function webhook(codec: Codec): Work {
  const job = (port: number) => ({
    destination: `type: webhook, url: "http://127.0.0.1:${port}/audit", ${compression(codec)}`,
  })
  return { name: `webhook ${codec}`, limit: limitOf[codec], job }
}

function datadog(codec: Codec, format: 'line' | 'attributes'): Work {
  const key = '0123456789abcdef0123456789abcdef'
  const job = (port: number) => ({
    destination: `type: datadog, url: "http://127.0.0.1:${port}", api_key: ${key}, message_format: ${format}, ${compression(codec)}`,
  })
  return { name: `datadog ${format === 'line' ? '' : `${format} `}${codec}`, limit: limitOf[codec], job }
}

/** Level 1 everywhere. */
function compression(codec: Codec): string {
  return codec === 'none' ? 'compression: none' : `compression: ${codec}, compression_level: 1`
}
