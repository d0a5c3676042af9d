import type { DatadogConfig, DeliveryConfig, WebhookConfig } from '../../src/config/config.ts'
import { secret } from '../../src/config/secret.ts'
import type { SendRequest } from '../../src/ship/destination.ts'

const delivery: DeliveryConfig = {
  mode: 'batch',
  batchMaxSize: 1000,
  batchMaxBytes: 5_000_000,
  batchMaxWaitMs: 5000,
  throttleEnable: false,
  throttleQps: 10,
  throttleBurst: 15,
  maxInFlight: 4,
  initialBackoffMs: 1000,
  backoffFactor: 2,
  maxBackoffMs: 120_000,
  maxAttempts: undefined,
  requestTimeoutMs: 10_000,
}

const base = {
  name: 'default',
  compression: 'none',
  compressionLevel: 1,
  delivery,
  proxy: { https: undefined, http: undefined, noProxy: [] },
  tls: { caFile: undefined, certFile: undefined, keyFile: undefined, serverName: undefined, insecureSkipVerify: false },
  deadLetterMaxBytes: 1_000_000,
} as const

/** A complete configuration with a request timeout of 10 s and no compression. */
export function datadogConfig(url: string, more: Partial<DatadogConfig> = {}): DatadogConfig {
  return { ...base, type: 'datadog', url, apiKey: secret('test-key'), messageFormat: 'line', ...more }
}

/** A complete configuration with a request timeout of 10 s and no compression. */
export function webhookConfig(url: string | undefined, more: Partial<WebhookConfig> = {}): WebhookConfig {
  return { ...base, type: 'webhook', url, kubeconfig: undefined, headers: {}, token: undefined, ...more }
}

export function withTimeout<C extends { readonly delivery: DeliveryConfig }>(config: C, requestTimeoutMs: number): C {
  return { ...config, delivery: { ...config.delivery, requestTimeoutMs } }
}

/** A sealed body as a lane would hand it over. */
export function sendRequest(body: string | Uint8Array, batchId = 'batch-1'): SendRequest {
  return { batchId, pieces: [Buffer.from(body)], records: 1, cache: {} }
}
