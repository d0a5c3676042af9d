import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCredit, createEvidence, type Evidence, isAcceptedSince } from '../../../src/ship/delivery/evidence.ts'

function begin(evidence: Evidence): number {
  evidence.begun += 1
  return evidence.begun
}

function accept(evidence: Evidence, request: number): void {
  evidence.accepted = Math.max(evidence.accepted, request)
}

test('what was on its way when a record was refused proves nothing, whenever it is accepted', () => {
  const evidence = createEvidence()
  const onItsWay = begin(evidence)
  begin(evidence)
  const refusedAt = evidence.begun
  accept(evidence, onItsWay)
  expect(isAcceptedSince(evidence, refusedAt)).toBe(false)
  const later = begin(evidence)
  expect(isAcceptedSince(evidence, refusedAt)).toBe(false)
  accept(evidence, later)
  accept(evidence, onItsWay)
  expect(isAcceptedSince(evidence, refusedAt)).toBe(true)
})

test('nothing is lent for a destination that never accepted anything', () => {
  expect(createCredit(createEvidence()).take(1)).toBe(false)
})

test('no more than ten records are lent before something is accepted that began afterwards', () => {
  const step = fc.record({ records: fc.integer({ min: 1, max: 12 }), accepts: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const evidence = createEvidence()
      const credit = createCredit(evidence)
      accept(evidence, begin(evidence))
      let onItsWay = begin(evidence)
      let isLent = false
      let row = 0
      for (const { records, accepts } of steps) {
        accept(evidence, onItsWay)
        if (accepts) accept(evidence, begin(evidence))
        // What was on its way began before the records were lent, if they were.
        if (accepts || !isLent) row = 0
        onItsWay = begin(evidence)
        isLent = credit.take(records)
        expect(isLent).toBe(row + records <= 10)
        if (isLent) row += records
      }
    }),
  )
})
