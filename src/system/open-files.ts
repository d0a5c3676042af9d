import { readdirSync, readFileSync } from 'node:fs'
import { systemError } from './system-error.ts'

/** Number of descriptors this process has open, sockets included; undefined where the system does not report it. */
export function openFiles(): number | undefined {
  return unlessRefused(() => readdirSync('/proc/self/fd').length)
}

/** Reserved for connections, positions, dead letters and directories, without which nothing that was read can be sent. */
const RESERVED_FILES = 32

/** How many more files may be opened without using the reserve; undefined where the system does not report it. */
export function openFilesAllowance(): number | undefined {
  const limits = unlessRefused(() => readFileSync('/proc/self/limits', 'utf8'))
  const limit = /^Max open files +(\d+)/m.exec(limits ?? '')?.[1]
  return limit === undefined ? undefined : Math.max(1, Number(limit) - (openFiles() ?? 0) - RESERVED_FILES)
}

function unlessRefused<T>(call: () => T): T | undefined {
  try {
    return call()
  } catch (error) {
    systemError(error)
    return undefined
  }
}
