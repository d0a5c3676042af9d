import type { Config, DestinationConfig } from '../config/config.ts'
import { formatDuration, formatSize } from '../config/units.ts'
import { table } from '../observe/format.ts'
import { printable } from '../observe/line.ts'

/** What would run with a configuration. */
export function planOf(config: Config): string {
  const sources = config.sources.map(({ integration, path, startPosition, maxLineBytes, labels, rules }) => [
    integration,
    printable(path),
    startPosition,
    printable(labels.service ?? '-'),
    printable(labels.source ?? '-'),
    formatSize(maxLineBytes),
    String(rules.length),
  ])
  const destinations = config.destinations.map((destination) => [
    destination.name,
    destination.type,
    compressionOf(destination),
    batchOf(destination),
    throttleOf(destination),
    retryOf(destination),
    targetOf(destination),
  ])
  const { checkpoint, server } = config
  return [
    ...table([['INTEGRATION', 'PATH', 'START', 'SERVICE', 'SOURCE', 'MAX LINE', 'RULES'], ...sources]),
    '',
    ...table([['DESTINATION', 'TYPE', 'COMPRESSION', 'BATCH', 'THROTTLE', 'RETRY', 'TO'], ...destinations]),
    '',
    `run path ${printable(checkpoint.runPath)}, server ${addressOf(server)}, at most ${config.openFilesLimit} open files`,
    `hostname ${config.hostname}, log level ${config.logLevel}`,
    ...(config.enabled ? [] : ['DD_LOGS_ENABLED is false: nothing would be read']),
  ].join('\n')
}

function addressOf({ listen }: Config['server']): string {
  if (listen === undefined) return 'off'
  return listen.host.includes(':') ? `[${listen.host}]:${listen.port}` : `${listen.host}:${listen.port}`
}

const compressionOf = ({ compression, compressionLevel }: DestinationConfig) =>
  compression === 'none' ? 'none' : `${compression} ${compressionLevel}`

function batchOf({ delivery }: DestinationConfig): string {
  if (delivery.mode !== 'batch') return delivery.mode
  return `${delivery.batchMaxSize}/${formatSize(delivery.batchMaxBytes)}/${formatDuration(delivery.batchMaxWaitMs)}`
}

function throttleOf({ delivery }: DestinationConfig): string {
  const rate = delivery.throttleEnable ? `${delivery.throttleQps}/s burst ${delivery.throttleBurst}` : 'off'
  return `${rate}, ${delivery.maxInFlight} in flight`
}

function retryOf({ delivery }: DestinationConfig): string {
  const { initialBackoffMs, maxBackoffMs, backoffFactor, maxAttempts } = delivery
  const attempts = maxAttempts === undefined ? '' : `, ${maxAttempts} tries`
  return `${formatDuration(initialBackoffMs)} ×${backoffFactor} up to ${formatDuration(maxBackoffMs)}${attempts}`
}

/** Without the query, which may contain a key. */
export function targetOf(destination: DestinationConfig): string {
  if (destination.url === undefined)
    return printable(destination.type === 'webhook' ? (destination.kubeconfig ?? '') : '')
  return destination.url.replace(/\?.*$/, '?…')
}
