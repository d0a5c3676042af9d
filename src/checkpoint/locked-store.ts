import type { Lock } from './lock.ts'
import type { SaveResult, Store } from './store.ts'

export interface LockedStore extends Pick<Store, 'save'> {
  /** Releases the lock. */
  release(): void
}

/**
 * Saves only under the lock of the directory, so that two agents never write the same positions. Every save retries a lock
 * that could not be taken at the start (read-only file system) or was lost (directory cleared).
 */
export function lockedStore(store: Pick<Store, 'save'>, first: Lock, take: () => Promise<Lock>): LockedStore {
  let lock = first

  async function refusal(): Promise<SaveResult | undefined> {
    if (lock.kind !== 'locked' || lock.isLost()) {
      if (lock.kind === 'locked') lock.release()
      lock = await take()
    }
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
