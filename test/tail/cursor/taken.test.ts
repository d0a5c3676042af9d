import { expect, test } from 'vitest'
import { type Mark, Taken } from '../../../src/tail/cursor/taken.ts'
import { fingerprint, NO_FINGERPRINT } from '../../../src/tail/file/fingerprint.ts'

const markOf = (length: number, marker = NO_FINGERPRINT): Mark => ({
  length,
  marker,
  sinceMs: 0,
  skipped: {},
  deadLetteredBytes: 0,
  truncatedBytes: 0,
})

test('what is settled behind an open span is recorded up to the last end that can be recognised', () => {
  const taken = new Taken({ offset: 0, marker: NO_FINGERPRINT, deadLetteredBytes: 0, skippedBytes: {} })
  const marker = fingerprint(Buffer.from('the end'))
  const open = taken.take(5, markOf(5))
  const recognisable = taken.take(20, markOf(15, marker))
  const unrecognisable = taken.take(30, markOf(10))
  recognisable.settle()
  unrecognisable.settle()
  open.settle()
  expect(taken.record).toMatchObject({ offset: 20, marker })
  expect(taken.isSettled).toBe(true)
})
