import type { DestinationType } from '../config/config.ts'

/** The parameters of a demo's conf.yaml. */
export interface DemoConfig {
  readonly auditLogPath: string
  readonly runPath: string
  readonly destination: DestinationType
  readonly intakeUrl: string
  readonly apiKey: string
  readonly apiKeyPath: string
  readonly eventsPerSecond: number
}

/** The paths at which the intake accepts events; the datadog destination appends its own to the URL. */
export const intakePaths = { datadog: '/api/v2/logs', webhook: '/audit' } as const

/** Waits are shorter than the defaults, so that a minute shows a lot. The throttle allows five times the writer's rate. */
export function demoConfig(config: DemoConfig): string {
  const requestsPerSecond = 20
  const batchEvents = Math.max(50, Math.ceil((config.eventsPerSecond * 5) / requestsPerSecond))
  return `logs:
  - type: file
    path: ${JSON.stringify(config.auditLogPath)}
    source: kubernetes.audit
    service: audit
    tags: [cluster:demo]
    start_position: beginning
destination:
${destination(config)}
delivery:
  batch_max_size: ${batchEvents}
  batch_max_wait: 250ms
  throttle_qps: ${requestsPerSecond}
  throttle_burst: ${requestsPerSecond}
  initial_backoff: 200ms
  max_backoff: 1s
  request_timeout: 5s
checkpoint:
  run_path: ${JSON.stringify(config.runPath)}
server:
  listen: false
hostname: demo-control-plane
`
}

function destination({ destination: type, intakeUrl, apiKey, apiKeyPath }: DemoConfig): string {
  if (type === 'datadog') {
    return `  type: datadog
  url: ${JSON.stringify(new URL(intakeUrl).origin)}
  api_key_file: ${JSON.stringify(apiKeyPath)}
  compression: zstd`
  }
  return `  type: webhook
  url: ${JSON.stringify(intakeUrl)}
  headers: { X-Api-Key: ${JSON.stringify(apiKey)} }
  compression: none`
}
