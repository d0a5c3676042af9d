import { expect, test } from 'vitest'
import { isolate, type ProbeResult } from '../../../src/ship/delivery/isolation.ts'

/** Not adjacent, so that each is a range by itself. */
const singles = Array.from({ length: 30 }, (_, index) => ({ start: 2 * index, end: 2 * index + 1 }))

/** Sends single records to a destination that refuses all of them: how many were sent before each question, and the outcome. */
async function refusedAfter(answers: readonly ProbeResult[]) {
  const asked: number[] = []
  let sent = 0
  const isolated = await isolate(singles, {
    send: async () => {
      sent += 1
      return { kind: 'refused', verdict: { kind: 'rejected', status: 400, reason: 'HTTP 400' } }
    },
    now: () => 1,
    isAcceptedSince: (moment) => moment === 0,
    ask: async () => {
      asked.push(sent)
      return answers[asked.length - 1] ?? 'refused'
    },
  })
  return { asked, isolated }
}

test('ten records in a row are refused before the destination is asked whether it accepts anything', async () => {
  const { asked, isolated } = await refusedAfter(['refused'])
  expect(asked).toEqual([10])
  expect(isolated).toMatchObject({ kind: 'doubtful', refused: [], left: singles.slice(10) })
})

test('it is asked again before each further record, as long as nothing that began later is accepted', async () => {
  const { asked, isolated } = await refusedAfter(['accepted', 'accepted', 'aborted'])
  expect(asked).toEqual([10, 11, 12])
  expect(isolated).toEqual({ kind: 'aborted' })
})

test('where nothing was ever accepted the search goes on for a while, as something may be', async () => {
  const { asked, isolated } = await refusedAfter(Array.from({ length: 30 }, () => 'unknown' as const))
  expect(asked).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23])
  expect(isolated).toMatchObject({ kind: 'doubtful', left: singles.slice(23) })
})
