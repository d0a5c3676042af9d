import type { DeliveryContext } from './delivery.ts'

/** Logs messages about a destination. Repeated messages are limited per destination. */
export function laneLog({ log, destination: { name } }: Pick<DeliveryContext, 'log' | 'destination'>) {
  const about = (message: string) => ({ key: `${message}:${name}`, destination: name })
  return {
    info: (message: string, fields: object = {}) => log.info({ ...about(message), ...fields }, message),
    warn: (message: string, fields: object = {}) => log.warn({ ...about(message), ...fields }, message),
    error: (message: string, fields: object = {}) => log.error({ ...about(message), ...fields }, message),
  }
}
