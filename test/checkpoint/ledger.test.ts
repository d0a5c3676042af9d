import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLedger } from '../../src/checkpoint/ledger.ts'

const step = fc.oneof(
  fc.record({ kind: fc.constant('take' as const), length: fc.integer({ min: 1, max: 1000 }) }),
  fc.record({ kind: fc.constant('settle' as const), pick: fc.nat() }),
)

test('the watermark is the end of the longest settled prefix, and each span is passed once and in order', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1e9 }), fc.array(step, { maxLength: 200 }), (start, steps) => {
      const passed: number[] = []
      const ledger = createLedger<number>(start, (mark) => passed.push(mark))
      const spans: { end: number; isSettled: boolean; settle(): void }[] = []
      for (const taken of steps) {
        if (taken.kind === 'take') {
          const ticket = ledger.take(ledger.taken + taken.length, spans.length)
          spans.push({ end: ticket.span.end, isSettled: false, settle: ticket.settle })
          expect(ticket.span).toEqual({ start: ledger.taken - taken.length, end: ledger.taken })
        } else {
          const open = spans.filter(({ isSettled }) => !isSettled)
          const span = open[taken.pick % Math.max(1, open.length)]
          if (!span) continue
          span.isSettled = true
          span.settle()
        }
        const gap = spans.findIndex(({ isSettled }) => !isSettled)
        const settled = gap < 0 ? spans.length : gap
        expect(ledger.watermark).toBe(spans[settled - 1]?.end ?? start)
        expect(ledger.open).toBe(spans.length - settled)
        expect(ledger.oldest).toBe(gap < 0 ? undefined : gap)
        expect(passed).toEqual(Array.from({ length: settled }, (_, index) => index))
      }
    }),
  )
})

test('a span that does not move forward, or is settled twice, is a defect', () => {
  const ledger = createLedger<undefined>(10, () => {})
  expect(() => ledger.take(10, undefined)).toThrow(RangeError)
  const ticket = ledger.take(11, undefined)
  ticket.settle()
  expect(() => ticket.settle()).toThrow('settled twice')
})
