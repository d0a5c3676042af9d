import { Fault } from './files.ts'

/** Holds a descriptor and can say whether it may be closed. */
interface DescriptorHolder {
  readonly isIdle: boolean
  closeContent(): void
}

/**
 * The limit on open files. Only files read to their end give up their descriptor, the least recently read first: an unread
 * file is kept open, as it may be deleted at any moment.
 */
export interface Descriptors {
  readonly open: number
  /** A new pass begins: files may have been read to their end since the last one. */
  begin(): void
  /** Closes idle files until one more may be opened; a fault if too few are idle. */
  makeRoom(): Fault | undefined
  add(holder: DescriptorHolder): void
  touch(holder: DescriptorHolder): void
  forget(holder: DescriptorHolder): void
}

export function createDescriptors(limit: number): Descriptors {
  const holders = new Set<DescriptorHolder>()
  const full = new Fault(
    'EMFILE',
    `all ${limit} files of open_files_limit are unread; raise it, or wait for the destination`,
  )
  /** None was idle in this pass, and none has been read since: there is no need to ask them all again. */
  let isFull = false
  return {
    get open() {
      return holders.size
    },
    begin() {
      isFull = false
    },
    makeRoom() {
      if (holders.size < limit) return undefined
      if (isFull) return full
      for (const holder of holders) {
        if (holder.isIdle) holder.closeContent()
        if (holders.size < limit) return undefined
      }
      isFull = true
      return full
    },
    add: (holder) => void holders.add(holder),
    touch(holder) {
      isFull = false
      if (holders.delete(holder)) holders.add(holder)
    },
    forget: (holder) => void holders.delete(holder),
  }
}
