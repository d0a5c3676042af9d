import type { Config, DestinationConfig, SourceConfig } from '../config/config.ts'
import { targetOf } from './plan.ts'

/** The `plan` of tailship.configcheck/v1: a public contract, so its fields are listed here, whatever the configuration holds. */
export function jsonPlanOf(config: Config) {
  const { checkpoint, server } = config
  return {
    files: config.files,
    hostname: config.hostname,
    logLevel: config.logLevel,
    enabled: config.enabled,
    openFilesLimit: config.openFilesLimit,
    server: { listen: server.listen, sockets: server.sockets },
    checkpoint: {
      runPath: checkpoint.runPath,
      importPath: checkpoint.importPath,
      expireAfterMs: checkpoint.expireAfterMs,
    },
    sources: config.sources.map(jsonSourceOf),
    rejectedSources: config.rejectedSources.map(({ integration, path, error }) => ({ integration, path, error })),
    destinations: config.destinations.map(jsonDestinationOf),
  }
}

function jsonSourceOf({ labels, rules, ...source }: SourceConfig) {
  return {
    integration: source.integration,
    path: source.path,
    excludePaths: source.excludePaths,
    encoding: source.encoding,
    startPosition: source.startPosition,
    backfill: source.backfill,
    maxLineBytes: source.maxLineBytes,
    labels: { service: labels.service, source: labels.source, tags: labels.tags },
    rules: rules.length,
  }
}

function jsonDestinationOf(destination: DestinationConfig) {
  const { delivery } = destination
  return {
    name: destination.name,
    type: destination.type,
    to: targetOf(destination),
    compression: destination.compression,
    compressionLevel: destination.compressionLevel,
    delivery: {
      mode: delivery.mode,
      batchMaxSize: delivery.batchMaxSize,
      batchMaxBytes: delivery.batchMaxBytes,
      batchMaxWaitMs: delivery.batchMaxWaitMs,
      throttleEnable: delivery.throttleEnable,
      throttleQps: delivery.throttleQps,
      throttleBurst: delivery.throttleBurst,
      maxInFlight: delivery.maxInFlight,
      initialBackoffMs: delivery.initialBackoffMs,
      backoffFactor: delivery.backoffFactor,
      maxBackoffMs: delivery.maxBackoffMs,
      maxAttempts: delivery.maxAttempts,
      requestTimeoutMs: delivery.requestTimeoutMs,
    },
    deadLetterMaxBytes: destination.deadLetterMaxBytes,
  }
}
