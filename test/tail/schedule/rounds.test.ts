import { expect, test } from 'vitest'
import type { Lineage } from '../../../src/tail/lineage/lineage.ts'
import { createRounds } from '../../../src/tail/schedule/rounds.ts'

const surroundings = { eventsIncomplete: false, hasRoom: () => true }

/** What of a lineage is asked for here. */
function lineageOf(isActive: boolean): Lineage {
  const lineage: Pick<Lineage, 'isActive' | 'wantScan' | 'check'> & { readonly livePath: { error: undefined } } = {
    isActive,
    livePath: { error: undefined },
    wantScan() {},
    check() {},
  }
  return lineage as Lineage
}

test('a file that changes after a pause is looked at again a tick later, not when quiet files are', () => {
  const rounds = createRounds(250)
  const lineage = lineageOf(true)
  rounds.add(lineage)
  rounds.due(0, surroundings)
  expect(rounds.tickAtMs).toBe(2000)
  rounds.markDirty(lineage)
  for (const due of rounds.due(100, surroundings)) rounds.check(due, 100, 0)
  expect(rounds.tickAtMs).toBe(350)
  expect([...rounds.due(350, surroundings)]).toEqual([lineage])
})

test('of more changing files than are looked at in a tick each gets its turn', () => {
  const rounds = createRounds(250)
  const lineages = Array.from({ length: 1500 }, () => lineageOf(true))
  for (const lineage of lineages) rounds.check(lineage, 0, 0)
  const looked = new Set<Lineage>()
  for (const atMs of [250, 500]) {
    for (const lineage of rounds.due(atMs, surroundings)) {
      rounds.check(lineage, atMs, 0)
      looked.add(lineage)
    }
  }
  expect(looked.size).toBe(1500)
})
