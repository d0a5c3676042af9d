import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Lock, openLock } from '../../src/checkpoint/lock.ts'
import { lockedStore } from '../../src/checkpoint/locked-store.ts'
import type { Store } from '../../src/checkpoint/store.ts'
import { tempDir } from '../support/temp-dir.ts'

const failed: Lock = { kind: 'failed', code: 'EROFS', message: 'read-only' }
const held: Lock = { kind: 'held', by: 'another', message: 'in use by another' }

function recordingStore() {
  const saved: object[] = []
  const store: Pick<Store, 'save'> = {
    async save(state) {
      saved.push(state)
      return { kind: 'saved' }
    },
  }
  return { saved, store }
}

test('saves nothing before it has the lock, asks for it at every save, and gives it up once', async () => {
  const released: string[] = []
  const locked: Lock = {
    kind: 'locked',
    madeAtMs: 0,
    isLost: () => false,
    release: () => void released.push('lock'),
  }
  const answers = [failed, held, locked]
  const { saved, store: inner } = recordingStore()
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

test('takes the lock again when its directory was cleared', async () => {
  using dir = tempDir()
  const runPath = join(dir.path, 'run')
  const { store: inner } = recordingStore()
  const store = lockedStore(inner, await openLock(runPath, 'me'), () => openLock(runPath, 'me'))
  rmSync(runPath, { recursive: true })
  expect(await store.save({})).toEqual({ kind: 'saved' })
  expect(await openLock(runPath, 'another')).toMatchObject({ kind: 'held', by: 'me' })
  store.release()
})

test('saves nothing more when another took the lock after its directory was cleared, until that one is gone', async () => {
  using dir = tempDir()
  const runPath = join(dir.path, 'run')
  const { saved, store: inner } = recordingStore()
  const store = lockedStore(inner, await openLock(runPath, 'me'), () => openLock(runPath, 'me'))
  rmSync(runPath, { recursive: true })
  const other = await openLock(runPath, 'another')
  if (other.kind !== 'locked') throw new Error(other.message)
  expect(await store.save({ n: 1 })).toMatchObject({ code: 'EBUSY', message: expect.stringContaining('(another)') })
  expect(saved).toEqual([])
  other.release()
  expect(await store.save({ n: 2 })).toEqual({ kind: 'saved' })
  store.release()
})

test('gives up a lock that it lost before it asks for it again', async () => {
  const steps: string[] = []
  const lock = (name: string, lost: boolean): Lock => ({
    kind: 'locked',
    madeAtMs: 0,
    isLost: () => lost,
    release: () => void steps.push(`release ${name}`),
  })
  const { store: inner } = recordingStore()
  const store = lockedStore(inner, lock('first', true), async () => {
    steps.push('take')
    return lock('second', false)
  })
  expect(await store.save({})).toEqual({ kind: 'saved' })
  expect(steps).toEqual(['release first', 'take'])
})
