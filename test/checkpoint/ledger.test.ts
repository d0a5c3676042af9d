import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLedger } from '../../src/checkpoint/ledger.ts'

const step = fc.oneof(
  fc.record({ kind: fc.constant('take' as const), length: fc.integer({ min: 1, max: 1000 }) }),
  fc.record({ kind: fc.constant('settle' as const), pick: fc.nat() }),
)

const runs = {
  join: (earlier: readonly number[], later: readonly number[]) => [...earlier, ...later],
  pass() {},
}

test('the watermark is the end of the longest settled prefix, and each span is passed once and in order', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1e9 }), fc.array(step, { maxLength: 200 }), (start, steps) => {
      const passed: number[] = []
      const ledger = createLedger<readonly number[]>(start, { ...runs, pass: (mark) => passed.push(...mark) })
      const spans: { end: number; isSettled: boolean; settle(): void }[] = []
      for (const taken of steps) {
        if (taken.kind === 'take') {
          const ticket = ledger.take(ledger.taken + taken.length, [spans.length])
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
        expect(ledger.entries === 0).toBe(gap < 0)
        expect(ledger.oldest).toEqual(gap < 0 ? undefined : [gap])
        expect(passed).toEqual(Array.from({ length: settled }, (_, index) => index))
      }
    }),
  )
})

test('what is settled between open spans is one entry, in whatever order it was settled', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat()), { minLength: 1, maxLength: 100 }), (shapes) => {
      const ledger = createLedger<readonly number[]>(0, runs)
      const spans = shapes.map(([isOpen, rank], index) => ({ isOpen, rank, ticket: ledger.take(index + 1, [index]) }))
      for (const { ticket } of spans.filter(({ isOpen }) => !isOpen).toSorted((a, b) => a.rank - b.rank))
        ticket.settle()
      const open = spans.filter(({ isOpen }) => isOpen).length
      expect(ledger.entries).toBeLessThanOrEqual(2 * open)
    }),
  )
})

test('a span that does not move forward, or is settled twice, is a defect', () => {
  const ledger = createLedger<readonly number[]>(10, runs)
  expect(() => ledger.take(10, [])).toThrow(RangeError)
  const ticket = ledger.take(11, [])
  ticket.settle()
  expect(() => ticket.settle()).toThrow('settled twice')
})
