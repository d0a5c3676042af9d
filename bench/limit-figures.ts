import { monotonicMs } from './statistics.ts'

/** Speed and cost of a limit, per uncompressed byte. */
export interface LimitFigures {
  readonly megabytesPerSecond: number
  readonly cpuSecondsPerGigabyte: number
}

/** Starts measuring this process. Returns a function that ends it and sends the figures for `bytes` to the parent. */
export function startMeasuring(): (bytes: number) => void {
  const cpuBefore = process.cpuUsage()
  const beforeMs = monotonicMs()
  return (bytes) => {
    const { user, system } = process.cpuUsage(cpuBefore)
    const figures: LimitFigures = {
      megabytesPerSecond: bytes / 1e3 / (monotonicMs() - beforeMs),
      cpuSecondsPerGigabyte: (user + system) / 1e6 / (bytes / 1e9),
    }
    process.send?.(figures)
    process.disconnect?.()
  }
}
