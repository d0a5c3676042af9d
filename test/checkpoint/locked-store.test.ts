import { expect, test } from 'vitest'
import type { Lock } from '../../src/checkpoint/lock.ts'
import { lockedStore } from '../../src/checkpoint/locked-store.ts'
import type { Store } from '../../src/checkpoint/store.ts'

const failed: Lock = { kind: 'failed', code: 'EROFS', message: 'read-only' }
const held: Lock = { kind: 'held', by: 'another', message: 'in use by another' }

test('saves nothing before it has the lock, asks for it at every save, and gives it up once', async () => {
  const answers = [failed, held, { kind: 'locked', madeAtMs: 0, release: () => void released.push('lock') } as Lock]
  const released: string[] = []
  const saved: object[] = []
  const inner: Pick<Store, 'save'> = {
    async save(state) {
      saved.push(state)
      return { kind: 'saved' }
    },
  }
  const store = lockedStore(inner, failed, async () => answers.shift() ?? failed)
  expect(await store.save({ n: 1 })).toEqual({ kind: 'failed', code: 'EROFS', message: 'read-only' })
  store.release()
  expect(await store.save({ n: 2 })).toEqual({ kind: 'failed', code: 'EBUSY', message: 'in use by another' })
  expect(await store.save({ n: 3 })).toEqual({ kind: 'saved' })
  expect(await store.save({ n: 4 })).toEqual({ kind: 'saved' })
  expect(saved).toEqual([{ n: 3 }, { n: 4 }])
  expect(released).toEqual([])
  store.release()
  expect(released).toEqual(['lock'])
})
