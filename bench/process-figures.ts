import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** What Linux says of a living process; sizes in bytes. */
export interface Memory {
  /** The most it ever had resident. */
  readonly peak: number
  readonly resident: number
  /** Of `resident`: its own pages, without those of files (binaries, mostly) that it may share with other processes. */
  readonly anonymous: number
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const bytes = (field: string) => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
  return { peak: bytes('VmHWM'), resident: bytes('VmRSS'), anonymous: bytes('RssAnon') }
}

/** Lets `peak` begin anew, at what is resident now (proc(5), clear_refs). */
export function forgetPeakOf(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** CPU time of the threads that live, to the nanosecond: for processes whose threads do not end. */
export function threadSecondsOf(pid: number): number {
  let ns = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0])
  }
  return ns / 1e9
}

/** CPU time of a process with all its threads, in ticks of 10 ms. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  const [userTicks, systemTicks] = [fields[11], fields[12]]
  return (Number(userTicks) + Number(systemTicks)) / 100
}
