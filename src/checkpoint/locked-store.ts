import type { Lock } from './lock.ts'
import type { SaveResult, Store } from './store.ts'

export interface LockedStore extends Pick<Store, 'save'> {
  /** Gives the lock up. */
  release(): void
}

/**
 * Saves only under the lock of the directory. One that could not be had at the start, as on a read-only file system, is
 * asked for again at every save: two agents never write the same positions.
 */
export function lockedStore(store: Pick<Store, 'save'>, first: Lock, take: () => Promise<Lock>): LockedStore {
  let lock = first

  async function refusal(): Promise<SaveResult | undefined> {
    if (lock.kind !== 'locked') lock = await take()
    switch (lock.kind) {
      case 'locked':
        return undefined
      case 'held':
        return { kind: 'failed', code: 'EBUSY', message: lock.message }
      case 'failed':
        return { kind: 'failed', code: lock.code, message: lock.message }
    }
  }

  return {
    save: async (state) => (await refusal()) ?? (await store.save(state)),
    release() {
      if (lock.kind === 'locked') lock.release()
    },
  }
}
