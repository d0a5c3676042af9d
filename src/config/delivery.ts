import type { DeliveryConfig, DestinationType } from './config.ts'
import { type Finding, Findings, type Path } from './finding.ts'
import { type Layer, layered } from './layers.ts'
import type { DeliveryConf } from './schema.ts'
import { formatDuration, formatSize } from './units.ts'

/** Every key has a value; for `max_attempts`, undefined is a value. */
type CompleteDelivery = {
  readonly [K in keyof DeliveryConf]-?: K extends 'max_attempts' ? DeliveryConf[K] : NonNullable<DeliveryConf[K]>
}

/** Batches and backoff as in the Datadog Agent, throttle and timeout as in kube-apiserver. */
const defaults: CompleteDelivery = {
  mode: 'batch',
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
  max_attempts: undefined,
  request_timeout: 30_000,
}

/** Datadog's published limits for one request. */
const datadogLimits = { batch_max_size: 1_000, batch_max_bytes: 5_000_000 }

/** If all batch bodies together may take more than this, a warning asks whether that is intended. */
const MUCH_MEMORY_BYTES = 256_000_000

/** A `delivery:` section and its path. Lists of layers begin with the destination's own. */
export interface DeliveryLayer {
  readonly path: Path
  readonly conf: Layer<DeliveryConf> | undefined
}

export interface ResolvedDelivery {
  readonly delivery: DeliveryConfig
  readonly findings: readonly Finding[]
}

export function resolveDelivery(layers: readonly DeliveryLayer[], type: DestinationType): ResolvedDelivery {
  const conf = layered<CompleteDelivery>(defaults, ...layers.map((layer) => layer.conf))
  const given = { conf, layers, findings: new Findings([]) }
  checkBackoff(given)
  if (type === 'datadog') checkDatadogLimits(given)
  if (conf.mode === 'batch') checkMemory(given)
  else reportIneffective(given)
  const effective = conf.mode === 'batch' ? conf : { ...conf, batch_max_size: 1, batch_max_wait: 0, max_in_flight: 1 }
  return { delivery: camelCased(effective), findings: given.findings.list }
}

/** The merged settings, the layers they were merged from, and the findings so far. */
interface Given {
  readonly conf: CompleteDelivery
  readonly layers: readonly DeliveryLayer[]
  readonly findings: Findings
}

function isGiven({ layers }: Given, key: keyof DeliveryConf): boolean {
  return layers.some(({ conf }) => conf?.[key] !== undefined)
}

/** Returns the path of a key in the first layer that has it. */
function pathOf({ layers }: Given, key: keyof DeliveryConf): Path {
  const layer = layers.find(({ conf }) => conf?.[key] !== undefined) ?? layers[0]
  return [...(layer?.path ?? []), key]
}

function checkBackoff(given: Given): void {
  const { initial_backoff, max_backoff } = given.conf
  if (initial_backoff <= max_backoff) return
  const [initial, max] = [formatDuration(initial_backoff), formatDuration(max_backoff)]
  const message = `\`max_backoff\` (${max}) must be at least \`initial_backoff\` (${initial})`
  const key = isGiven(given, 'max_backoff') ? 'max_backoff' : 'initial_backoff'
  given.findings.refuse(pathOf(given, key), message)
}

function checkDatadogLimits(given: Given): void {
  for (const key of ['batch_max_size', 'batch_max_bytes'] as const) {
    if (given.conf[key] <= datadogLimits[key]) continue
    const message = `\`${key}\` must be at most ${datadogLimits[key]}, Datadog’s limit for one request`
    given.findings.refuse(pathOf(given, key), message)
  }
}

function checkMemory(given: Given): void {
  const { max_in_flight, batch_max_bytes } = given.conf
  const bodyBytes = (max_in_flight + 1) * batch_max_bytes
  if (bodyBytes <= MUCH_MEMORY_BYTES) return
  const batches = `${max_in_flight} batches of ${formatSize(batch_max_bytes)} in flight`
  const message = `${batches} may take ${Math.round(bodyBytes / 1e6)} MB of memory`
  const hint = 'lower `batch_max_bytes` or `max_in_flight`, or make sure that there is enough memory'
  const key = isGiven(given, 'batch_max_bytes') ? 'batch_max_bytes' : 'max_in_flight'
  given.findings.warn(pathOf(given, key), message, hint)
}

/**
 * Warns of batch settings in a mode without batches. Not of a common setting if the destination sets its own mode: the
 * setting is then meant for other destinations.
 */
function reportIneffective(given: Given): void {
  const layerOf = (key: keyof DeliveryConf) => given.layers.findIndex(({ conf }) => conf?.[key] !== undefined)
  for (const key of ['batch_max_size', 'batch_max_wait', 'max_in_flight'] as const) {
    if (!isGiven(given, key) || layerOf(key) > layerOf('mode')) continue
    const message = `\`${key}\` has no effect in mode ${given.conf.mode}, which sends one event per request, in order`
    given.findings.warn(pathOf(given, key), message)
  }
}

const camelCased = (conf: CompleteDelivery): DeliveryConfig => ({
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
