import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTurns } from '../../../src/tail/schedule/turns.ts'

test('everyone who stays gets a turn in each round, and nobody two, whoever comes and goes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.record({ remove: fc.boolean(), which: fc.nat({ max: 30 }) }), { maxLength: 30 }),
      (count, step, changes) => {
        const turns = createTurns<number>()
        const present = new Set<number>()
        for (let member = 0; member < count; member += 1) {
          turns.add(member)
          present.add(member)
        }
        for (const { remove, which } of changes) {
          turns.next(step)
          if (remove) {
            turns.remove(which)
            present.delete(which)
          } else if (!present.has(which)) {
            turns.add(which)
            present.add(which)
          }
        }
        const whole = Math.floor(present.size / step)
        const seen = Array.from({ length: whole }, () => turns.next(step)).flat()
        const rest = turns.next(present.size - whole * step)
        expect([...seen, ...rest].sort((a, b) => a - b)).toEqual([...present].sort((a, b) => a - b))
      },
    ),
  )
})

test('a turn stays as it is, whoever leaves while it is taken', () => {
  const turns = createTurns<string>()
  for (const member of ['a', 'b', 'c']) turns.add(member)
  const turn = turns.next(3)
  turns.remove('a')
  expect(turn).toEqual(['a', 'b', 'c'])
})
