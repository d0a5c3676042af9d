import type { DeliveryConfig } from './config.ts'
import type { Finding, Path } from './finding.ts'
import { type Layer, layered } from './layers.ts'
import type { DeliveryConf } from './schema.ts'
import { formatDuration } from './units.ts'

type DeliveryKeys = { readonly [K in keyof Required<DeliveryConf>]: DeliveryConf[K] }

/** Batches and backoff as the Datadog Agent has them, throttle and timeout as kube-apiserver. */
const defaults = {
  mode: 'batch' as DeliveryConfig['mode'],
  batch_max_size: 1_000,
  batch_max_bytes: 5_000_000,
  batch_max_wait: 5_000,
  throttle_enable: true,
  throttle_qps: 10,
  throttle_burst: 15,
  max_in_flight: 4,
  initial_backoff: 1_000,
  backoff_factor: 2,
  max_backoff: 120_000,
  max_attempts: undefined as number | undefined,
  request_timeout: 30_000,
} satisfies DeliveryKeys

/** Datadog's public limits of one request. */
const datadogLimits = { batch_max_size: 1_000, batch_max_bytes: 5_000_000 }

/** A `delivery:` and where it stands, the destination's own first. */
export interface DeliveryLayer {
  readonly path: Path
  readonly conf: Layer<DeliveryConf> | undefined
}

export interface ResolvedDelivery {
  readonly delivery: DeliveryConfig
  readonly findings: readonly Finding[]
}

export function resolveDelivery(layers: readonly DeliveryLayer[], type: 'datadog' | 'webhook'): ResolvedDelivery {
  const conf = layered(defaults, ...layers.map((layer) => layer.conf as Layer<typeof defaults> | undefined))
  const findings: Finding[] = []
  const report = (key: keyof DeliveryConf, message: string, severity: Finding['severity'] = 'error') => {
    const layer = layers.find((candidate) => candidate.conf?.[key] !== undefined) ?? layers[0]
    findings.push({ path: [...(layer?.path ?? []), key], at: 'value', severity, message })
  }
  if (conf.initial_backoff > conf.max_backoff) {
    const [initial, max] = [formatDuration(conf.initial_backoff), formatDuration(conf.max_backoff)]
    const ownMax = layers.some((layer) => layer.conf?.max_backoff !== undefined)
    report(
      ownMax ? 'max_backoff' : 'initial_backoff',
      `\`max_backoff\` (${max}) must be at least \`initial_backoff\` (${initial})`,
    )
  }
  if (type === 'datadog') {
    for (const key of ['batch_max_size', 'batch_max_bytes'] as const) {
      if (conf[key] <= datadogLimits[key]) continue
      report(key, `\`${key}\` must be at most ${datadogLimits[key]}, Datadog’s public limit of a request`)
    }
  }
  if (conf.mode === 'batch') return { delivery: camelCased(conf), findings }
  for (const key of ['batch_max_size', 'batch_max_wait', 'max_in_flight'] as const) {
    if (layers.some((layer) => layer.conf?.[key] !== undefined)) {
      report(key, `\`${key}\` has no effect in mode ${conf.mode}: one event a request, in order`, 'warning')
    }
  }
  return { delivery: camelCased({ ...conf, batch_max_size: 1, batch_max_wait: 0, max_in_flight: 1 }), findings }
}

const camelCased = (conf: typeof defaults): DeliveryConfig => ({
  mode: conf.mode,
  batchMaxSize: conf.batch_max_size,
  batchMaxBytes: conf.batch_max_bytes,
  batchMaxWaitMs: conf.batch_max_wait,
  throttleEnable: conf.throttle_enable,
  throttleQps: conf.throttle_qps,
  throttleBurst: conf.throttle_burst,
  maxInFlight: conf.max_in_flight,
  initialBackoffMs: conf.initial_backoff,
  backoffFactor: conf.backoff_factor,
  maxBackoffMs: conf.max_backoff,
  maxAttempts: conf.max_attempts,
  requestTimeoutMs: conf.request_timeout,
})
