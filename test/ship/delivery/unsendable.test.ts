import { describe, expect, it } from 'vitest'
import { unsendableReason } from '../../../src/ship/delivery/unsendable.ts'
import { originOf } from '../../support/memory-feed.ts'
import { entryOf } from '../dead-letter/entries.ts'

const origin = originOf('/var/log/audit.log', 100)
const tooLong = 'longer than max_line_bytes'
const text = (bytes: number) => 'x'.repeat(bytes)
/** As long as `bytes`, and no UTF-8. */
const raw = (bytes: number) => Buffer.alloc(bytes, 0xff)

describe('why a dead letter cannot be sent', () => {
  it.each([
    ['what was refused', entryOf(text(100)), undefined],
    ['what was refused and fits no more', entryOf(text(301)), tooLong],
    ['what became longer as it was made valid', entryOf(text(300)), undefined],
    ['what would become longer', entryOf(raw(101)), tooLong],
    ['what was no JSON', entryOf(raw(100), { reason: 'not-json' }), undefined],
    ['a whole long line that fits now', entryOf(text(100), { reason: 'too-long' }), undefined],
    ['one without newline', entryOf(text(100), { reason: 'too-long', end: 100 }), undefined],
    ['a whole long line that fits still not', entryOf(text(101), { reason: 'too-long' }), tooLong],
    [
      'a piece of a long line',
      entryOf(text(100), { reason: 'too-long', end: 102 }),
      'a piece of a line that was longer than max_line_bytes',
    ],
    [
      'a long line that no mask was applied to',
      entryOf(text(10), { reason: 'too-long-unmasked' }),
      'longer than max_line_bytes, and not masked as its source wants',
    ],
    [
      'a line whose masks took too much work',
      entryOf(text(10), { reason: 'unmasked' }),
      'not masked as its source wants: that takes too much work',
    ],
    [
      'the front of a torn line',
      entryOf('{"a":', { reason: 'torn-line' }),
      'the front of a line that was never finished',
    ],
  ])('%s', (_name, entry, reason) => {
    expect(unsendableReason(entry, origin)).toBe(reason)
  })
})
