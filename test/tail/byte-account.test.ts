import { expect, test } from 'vitest'
import { createByteAccount } from '../../src/tail/byte-account.ts'
import { type Mark, Taken } from '../../src/tail/taken.ts'

const nothing = { deadLetteredBytes: 0, truncatedBytes: 0, skipped: {} }

test('what was cut out when a line was read and when it was refused adds up', () => {
  const account = createByteAccount({ deadLetteredBytes: 1, skippedBytes: { rule: 2 } })
  account.pass(100, { ...nothing, skipped: { truncated: 30, rule: 5 } })
  account.pass(100, { ...nothing, truncatedBytes: 40, deadLetteredBytes: 7 })
  expect(account.counts()).toEqual({ deadLetteredBytes: 8, skippedBytes: { truncated: 70, rule: 7 } })
})

test('no more is counted than there was: the newline put behind the last line of a finished file is no byte of it', () => {
  const account = createByteAccount({ deadLetteredBytes: 0, skippedBytes: {} })
  account.pass(10, { ...nothing, deadLetteredBytes: 11 })
  account.pass(4, { ...nothing, skipped: { rule: 5 } })
  expect(account.counts()).toEqual({ deadLetteredBytes: 10, skippedBytes: { rule: 4 } })
})

test.each([[[0, 1, 2, 3]], [[3, 2, 1, 0]], [[1, 3, 2, 0]], [[2, 0, 3, 1]]])(
  'bytes are counted the same in whatever order they are settled: %j',
  (order) => {
    const taken = new Taken({ offset: 0, marker: { length: 0, hash: '' }, deadLetteredBytes: 0, skippedBytes: {} })
    const take = (end: number, how: Partial<Mark>) =>
      taken.take(end, { length: 10, marker: { length: 1, hash: `${end}` }, sinceMs: end, ...nothing, ...how })
    const tickets = [
      take(10, { skipped: { truncated: 1, rule: 2 } }),
      take(20, { deadLetteredBytes: 11 }),
      take(30, { skipped: { rule: 3 }, truncatedBytes: 4 }),
      take(40, { skipped: { 'empty-line': 11 } }),
    ]
    for (const index of order) {
      expect(taken.isSettled).toBe(false)
      tickets[index]?.settle()
    }
    expect([taken.isSettled, taken.record]).toEqual([
      true,
      {
        offset: 40,
        marker: { length: 1, hash: '40' },
        deadLetteredBytes: 10,
        skippedBytes: { truncated: 5, rule: 5, 'empty-line': 10 },
      },
    ])
  },
)

test.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]]])(
  'a record ends at the last end that can be recognised, in whatever order it was settled: %j',
  (order) => {
    const unknown = { length: 0, hash: '' }
    const taken = new Taken({ offset: 0, marker: unknown, deadLetteredBytes: 0, skippedBytes: {} })
    const take = (end: number, marker: Mark['marker']) =>
      taken.take(end, { length: 10, marker, sinceMs: 0, ...nothing })
    const known = { length: 1, hash: 'x' }
    const tickets = [take(10, known), take(20, known), take(30, unknown)]
    for (const index of order) tickets[index]?.settle()
    expect([taken.isSettled, taken.record.offset]).toEqual([true, 20])
    take(40, known).settle()
    expect(taken.record.offset).toBe(40)
  },
)
