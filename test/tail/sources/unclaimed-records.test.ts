import { expect, test } from 'vitest'
import type { GenerationRecord } from '../../../src/checkpoint/registry.ts'
import { createUnclaimedRecords } from '../../../src/tail/sources/unclaimed-records.ts'

const HOUR_MS = 3_600_000
const startMs = Date.parse('2026-01-01T00:00:00Z')

function record(path: string, seenAtMs: number): GenerationRecord {
  return {
    id: path,
    path,
    lastPath: path,
    dev: '1',
    ino: path,
    birth: '1',
    size: 0,
    finished: true,
    positions: {},
    prefix: { length: 0, hash: '' },
    seenAt: new Date(seenAtMs).toISOString(),
  }
}

const paths = (records: Iterable<GenerationRecord>) => [...records].map(({ path }) => path)

test('what was not seen for long is forgotten, also when the clock was set back meanwhile', () => {
  const remembered = createUnclaimedRecords([record('old', startMs), record('new', startMs + HOUR_MS)], HOUR_MS)
  remembered.expire(startMs)
  expect(paths(remembered.all())).toEqual(['old', 'new'])
  remembered.expire(startMs + HOUR_MS)
  expect(paths(remembered.all())).toEqual(['new'])
  remembered.put('older', [record('older', startMs - 48 * HOUR_MS)])
  remembered.expire(startMs - 24 * HOUR_MS)
  expect(paths(remembered.all())).toEqual(['new'])
})

test('of very many files the ones that were gone first are forgotten, in whatever order they are recorded', () => {
  const later = Array.from({ length: 100 }, (_, n) => record(`later ${n}`, startMs + 1))
  const gone = Array.from({ length: 20_000 }, (_, n) => record(`${n}`, startMs))
  const remembered = createUnclaimedRecords([...later, ...gone], HOUR_MS)
  remembered.put('last', [record('last', startMs + 2)])
  remembered.expire(startMs + 3)
  const left = paths(remembered.all())
  expect(left).toHaveLength(20_000)
  expect(left.filter((path) => path.startsWith('l'))).toHaveLength(101)
  expect(left).toContain('101')
  expect(left).not.toContain('100')
})

test('nothing is forgotten before the files that are there have had their turn to take what is theirs', () => {
  const known = Array.from({ length: 100 }, (_, n) => `/log/${n}`)
  const generations = (path: string) => Array.from({ length: 257 }, () => record(path, startMs))
  const remembered = createUnclaimedRecords(known.flatMap(generations), HOUR_MS)
  remembered.put('/log/gone', [record('/log/gone', startMs + 1)])
  for (const path of known) expect(remembered.take(path)).toHaveLength(257)
  remembered.expire(startMs)
  expect(paths(remembered.all())).toEqual(['/log/gone'])
})
