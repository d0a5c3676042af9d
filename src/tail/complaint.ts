import type { Log } from '../log.ts'

/** Is told at every look why something cannot be read, or undefined when it can. */
export type Complaint = (reason: string | undefined) => void

/** Writes to the log when `path` cannot be read, and when it can again: what two looks in a row have found, once. */
export function createComplaint(path: string, log: Log): Complaint {
  let seen: string | undefined
  let told: string | undefined
  return (reason) => {
    const isLasting = reason === seen
    seen = reason
    if (!isLasting || reason === told) return
    const before = told
    told = reason
    // Files that wait for the same thing, such as a free descriptor, share a line.
    if (reason === undefined) log.info({ key: `readable:${before}`, path }, 'it can be read again')
    else {
      const message = 'it cannot be read now and is tried again: nothing is forgotten'
      log.warn({ key: `unreadable:${reason}`, path, reason }, message)
    }
  }
}
