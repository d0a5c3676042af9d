import type { DestinationConfig } from '../../config/config.ts'
import type { Destination } from '../destination.ts'
import type { DestinationContext } from './context.ts'
import { createDatadog } from './datadog.ts'
import { createWebhook } from './webhook.ts'

/** Nothing is connected or read yet; what is wrong with the place shows in the verdicts. */
export function createDestination(
  config: DestinationConfig,
  context: Omit<DestinationContext, 'now'> & Partial<Pick<DestinationContext, 'now'>>,
): Destination {
  const complete = { now: () => performance.now(), ...context }
  return config.type === 'datadog' ? createDatadog(config, complete) : createWebhook(config, complete)
}
