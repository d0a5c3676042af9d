import type { DeliveryConfig, DestinationType } from './config.ts'
import type { Finding, Path } from './finding.ts'
import { type Layer, layered } from './layers.ts'
import type { DeliveryConf } from './schema.ts'
import { formatDuration, formatSize } from './units.ts'

type DeliveryKeys = { readonly [K in keyof Required<DeliveryConf>]: DeliveryConf[K] }

/** Batches and backoff as in the Datadog Agent, throttle and timeout as in kube-apiserver. */
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

/** Datadog's published limits for one request. */
const datadogLimits = { batch_max_size: 1_000, batch_max_bytes: 5_000_000 }

/** Batch bodies that take more memory than this should be intentional. */
const MUCH_MEMORY_BYTES = 256_000_000

/** A `delivery:` section and its path, the destination's own first. */
export interface DeliveryLayer {
  readonly path: Path
  readonly conf: Layer<DeliveryConf> | undefined
}

export interface ResolvedDelivery {
  readonly delivery: DeliveryConfig
  readonly findings: readonly Finding[]
}

export function resolveDelivery(layers: readonly DeliveryLayer[], type: DestinationType): ResolvedDelivery {
  const conf = layered(defaults, ...layers.map((layer) => layer.conf as Layer<typeof defaults> | undefined))
  const findings: Finding[] = []
  const isGiven = (key: keyof DeliveryConf) => layers.some((layer) => layer.conf?.[key] !== undefined)
  const report = (
    key: keyof DeliveryConf,
    message: string,
    { severity = 'error', hint }: Partial<Pick<Finding, 'severity' | 'hint'>> = {},
  ) => {
    const layer = layers.find((candidate) => candidate.conf?.[key] !== undefined) ?? layers[0]
    findings.push({ path: [...(layer?.path ?? []), key], at: 'value', severity, message, hint })
  }
  if (conf.initial_backoff > conf.max_backoff) {
    const [initial, max] = [formatDuration(conf.initial_backoff), formatDuration(conf.max_backoff)]
    report(
      isGiven('max_backoff') ? 'max_backoff' : 'initial_backoff',
      `\`max_backoff\` (${max}) must be at least \`initial_backoff\` (${initial})`,
    )
  }
  if (type === 'datadog') {
    for (const key of ['batch_max_size', 'batch_max_bytes'] as const) {
      if (conf[key] <= datadogLimits[key]) continue
      report(key, `\`${key}\` must be at most ${datadogLimits[key]}, Datadog’s public limit of a request`)
    }
  }
  if (conf.mode === 'batch') {
    const bodyBytes = (conf.max_in_flight + 1) * conf.batch_max_bytes
    if (bodyBytes > MUCH_MEMORY_BYTES) {
      const batches = `${conf.max_in_flight} batches of ${formatSize(conf.batch_max_bytes)} in flight`
      const hint = 'lower `batch_max_bytes` or `max_in_flight`, or see to it that the memory is there'
      const message = `${batches} may take ${Math.round(bodyBytes / 1e6)} MB of memory`
      report(isGiven('batch_max_bytes') ? 'batch_max_bytes' : 'max_in_flight', message, { severity: 'warning', hint })
    }
    return { delivery: camelCased(conf), findings }
  }
  for (const key of ['batch_max_size', 'batch_max_wait', 'max_in_flight'] as const) {
    if (isGiven(key)) {
      const message = `\`${key}\` has no effect in mode ${conf.mode}: one event a request, in order`
      report(key, message, { severity: 'warning' })
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
