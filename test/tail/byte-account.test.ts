import { expect, test } from 'vitest'
import { createByteAccount } from '../../src/tail/byte-account.ts'

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
