import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLedger, type Marks } from '../../src/checkpoint/ledger.ts'

const step = fc.oneof(
  fc.record({ kind: fc.constant('take' as const), length: fc.integer({ min: 1, max: 1000 }), isFinal: fc.boolean() }),
  fc.record({ kind: fc.constant('settle' as const), pick: fc.nat() }),
)

/** Which spans; a final one does not become part of one that is not. */
interface Mark {
  readonly spans: readonly number[]
  readonly isFinal: boolean
}

const runs: Marks<Mark> = {
  join: (earlier, later) =>
    earlier.isFinal && !later.isFinal ? undefined : { ...later, spans: [...earlier.spans, ...later.spans] },
  pass() {},
}

test('the watermark is the end of the longest settled prefix, and each span is passed once and in order', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1e9 }), fc.array(step, { maxLength: 200 }), (start, steps) => {
      const passed: number[] = []
      const ledger = createLedger<Mark>(start, { ...runs, pass: (mark) => passed.push(...mark.spans) })
      const spans: { end: number; isSettled: boolean; settle(): void }[] = []
      for (const taken of steps) {
        if (taken.kind === 'take') {
          const mark = { spans: [spans.length], isFinal: taken.isFinal }
          const ticket = ledger.take(ledger.taken + taken.length, mark)
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
        expect(ledger.oldest?.spans).toEqual(gap < 0 ? undefined : [gap])
        expect(passed.length).toBe(settled)
      }
      expect(passed).toEqual(passed.map((_, index) => index))
    }),
  )
})

test.each([
  ['one entry', 1, fc.boolean(), fc.constant(true)],
  ['two entries at most where not all can be joined', 2, fc.constant(false), fc.boolean()],
])('what is settled between open spans is %s, in whatever order it was settled', (_, most, isOpen, isFinal) => {
  const shape = fc.record({ isOpen, rank: fc.nat(), isFinal })
  fc.assert(
    fc.property(fc.array(shape, { maxLength: 100 }), (shapes) => {
      const ledger = createLedger<Mark>(0, runs)
      const first = { isOpen: true, rank: 0, isFinal: true }
      const spans = [first, ...shapes].map(({ isOpen, rank, isFinal }, index) => ({
        isOpen,
        rank,
        ticket: ledger.take(index + 1, { spans: [index], isFinal }),
      }))
      for (const { ticket } of spans.filter(({ isOpen }) => !isOpen).toSorted((a, b) => a.rank - b.rank))
        ticket.settle()
      const open = spans.filter(({ isOpen }) => isOpen).length
      const between = spans.filter(({ isOpen }, index) => !isOpen && spans[index - 1]?.isOpen).length
      expect(ledger.entries).toBeLessThanOrEqual(open + most * between)
    }),
  )
})

test('a span that does not move forward, or is settled twice, is a defect', () => {
  const ledger = createLedger<Mark>(10, runs)
  const mark = { spans: [], isFinal: true }
  expect(() => ledger.take(10, mark)).toThrow(RangeError)
  const ticket = ledger.take(11, mark)
  ticket.settle()
  expect(() => ticket.settle()).toThrow('settled twice')
})
