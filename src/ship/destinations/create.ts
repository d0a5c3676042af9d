import type { Config, DestinationConfig } from '../../config/config.ts'
import { longestLineOf } from '../../config/sources.ts'
import type { Destination } from '../destination.ts'
import type { DestinationContext } from './context.ts'
import { createDatadog } from './datadog.ts'
import { createWebhook } from './webhook.ts'

/** Creates one of the destinations of a configuration. */
export function configuredDestination(
  destination: DestinationConfig,
  { hostname, sources }: Config,
  more: Pick<DestinationContext, 'version' | 'warn'>,
): Destination {
  return createDestination(destination, { hostname, maxLineBytes: longestLineOf(sources), ...more })
}

/** Does not connect or read anything yet; problems with the receiver show in the verdicts. */
export function createDestination(
  config: DestinationConfig,
  context: Omit<DestinationContext, 'now'> & Partial<Pick<DestinationContext, 'now'>>,
): Destination {
  const complete = { now: () => performance.now(), ...context }
  return config.type === 'datadog' ? createDatadog(config, complete) : createWebhook(config, complete)
}
