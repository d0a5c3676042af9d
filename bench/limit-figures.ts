import { monotonicMs } from './statistics.ts'

/** What a limit takes, of uncompressed bytes. */
export interface LimitFigures {
  readonly megabytesPerSecond: number
  readonly cpuSecondsPerGigabyte: number
}

/** Measures this process from now on; the function that it returns sends its parent the figures for so many bytes. */
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
