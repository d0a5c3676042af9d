import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Memory of a running process according to Linux, in bytes. */
export interface Memory {
  /** Peak of `resident`. */
  readonly peak: number
  readonly resident: number
  /** Of `resident`, excluding file pages (mostly binaries), which other processes may share. */
  readonly anonymous: number
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const bytes = (field: string) => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
  return { peak: bytes('VmHWM'), resident: bytes('VmRSS'), anonymous: bytes('RssAnon') }
}

/** Resets `peak` to what is resident now (proc(5), clear_refs). */
export function forgetPeakOf(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** CPU time of all running threads, in nanosecond resolution. Misses threads that have ended. */
export function threadSecondsOf(pid: number): number {
  let ns = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0])
  }
  return ns / 1e9
}

/** CPU time of a process, ended threads included, in steps of 10 ms. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  const [userTicks, systemTicks] = [fields[11], fields[12]]
  return (Number(userTicks) + Number(systemTicks)) / 100
}
