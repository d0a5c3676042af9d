import { bytes, duration } from './format.ts'
import { printable } from './line.ts'
import type { DestinationStatus, Status } from './status.ts'

/** One line for each destination: whether it accepts what is sent, and how far behind it is. */
export function renderDelivery({ destinations, sources }: Status): string[] {
  const positions = sources.flatMap(({ files }) => files.flatMap((file) => file.positions))
  return [
    '  Delivery',
    '  --------',
    ...destinations.map(({ name, state }) => {
      const own = positions.filter(({ destination }) => destination === name)
      const lagBytes = own.reduce((sum, position) => sum + position.lagBytes, 0)
      const lagMs = Math.max(0, ...own.map((position) => position.lagMs))
      const lag = `lag ${bytes(lagBytes)}${lagBytes === 0 ? '' : `, ${duration(lagMs)}`}`
      return `    ${gradeOf(state).padEnd(5)} ${printable(name)}: ${state === 'ok' ? lag : `${state}, ${lag}`}`
    }),
  ]
}

export function gradeOf(state: DestinationStatus['state']): 'OK' | 'WARN' | 'FAIL' {
  switch (state) {
    case 'ok':
      return 'OK'
    case 'retrying':
    case 'stopped':
      return 'WARN'
    case 'unauthorized':
    case 'misconfigured':
    case 'holding':
      return 'FAIL'
  }
}
