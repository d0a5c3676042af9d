import type { Log } from '../../log.ts'

/** Called at every look with the reason why something cannot be read, or undefined if it can. */
export type Complaint = (reason: string | undefined) => void

/** Logs when `path` cannot be read, and when it can again: once each, after two looks in a row found the same. */
export function createComplaint(path: string, log: Log): Complaint {
  let seen: string | undefined
  let told: string | undefined
  return (reason) => {
    const isLasting = reason === seen
    seen = reason
    if (!isLasting || reason === told) return
    const before = told
    told = reason
    // Files that wait for the same thing, such as a free descriptor, share a rate-limit key.
    if (reason === undefined) log.info({ key: `readable:${before}`, path }, 'it can be read again')
    else {
      const message = 'it cannot be read at present and will be tried again: its position is kept'
      log.warn({ key: `unreadable:${reason}`, path, reason }, message)
    }
  }
}
