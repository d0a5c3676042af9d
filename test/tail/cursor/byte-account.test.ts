import { expect, test } from 'vitest'
import { createByteAccount } from '../../../src/tail/cursor/byte-account.ts'

const none = { deadLetteredBytes: 0, truncatedBytes: 0, skipped: {} }
const begun = () => createByteAccount({ deadLetteredBytes: 0, skippedBytes: {} })

test('adds up what a position passes, by reason', () => {
  const account = createByteAccount({ deadLetteredBytes: 5, skippedBytes: { rule: 7 } })
  account.pass(100, { ...none, deadLetteredBytes: 20, skipped: { rule: 10 } })
  account.pass(100, { ...none, truncatedBytes: 30, skipped: { truncated: 2, 'empty-line': 1 } })
  expect(account.counts()).toEqual({
    deadLetteredBytes: 25,
    skippedBytes: { rule: 17, truncated: 32, 'empty-line': 1 },
  })
})

test('never counts more than was passed, whatever the reasons add up to', () => {
  const account = begun()
  account.pass(10, { ...none, deadLetteredBytes: 6, skipped: { rule: 6, 'empty-line': 6 } })
  expect(account.counts()).toEqual({ deadLetteredBytes: 0, skippedBytes: { rule: 6, 'empty-line': 4 } })
})
