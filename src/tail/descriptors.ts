import { Fault } from './files.ts'

/** Something that holds a descriptor and can say whether it could do without. */
export interface DescriptorHolder {
  readonly isIdle: boolean
  closeContent(): void
}

/**
 * The bound on open files. Only files that are read to their end give up their descriptor, the least recently read
 * first: an unread file is kept open, as it may be deleted at any moment.
 */
export interface Descriptors {
  readonly open: number
  /** Closes idle files until one more may be opened; a fault when none is idle. */
  makeRoom(): Fault | undefined
  add(holder: DescriptorHolder): void
  touch(holder: DescriptorHolder): void
  forget(holder: DescriptorHolder): void
}

export function createDescriptors(limit: number): Descriptors {
  const holders = new Set<DescriptorHolder>()
  return {
    get open() {
      return holders.size
    },
    makeRoom() {
      for (const holder of holders) {
        if (holders.size < limit) break
        if (holder.isIdle) holder.closeContent()
      }
      if (holders.size < limit) return undefined
      return new Fault(
        'EMFILE',
        `all ${limit} files of open_files_limit are unread; raise it, or wait for the destination`,
      )
    },
    add: (holder) => void holders.add(holder),
    touch(holder) {
      if (holders.delete(holder)) holders.add(holder)
    },
    forget: (holder) => void holders.delete(holder),
  }
}
