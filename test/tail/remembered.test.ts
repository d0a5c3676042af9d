import { expect, test } from 'vitest'
import type { GenerationRecord } from '../../src/checkpoint/registry.ts'
import { createRemembered } from '../../src/tail/remembered.ts'

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
  const remembered = createRemembered([record('old', startMs), record('new', startMs + HOUR_MS)], HOUR_MS)
  remembered.expire(startMs)
  expect(paths(remembered.all())).toEqual(['old', 'new'])
  remembered.expire(startMs + HOUR_MS)
  expect(paths(remembered.all())).toEqual(['new'])
  remembered.put('older', [record('older', startMs - 48 * HOUR_MS)])
  remembered.expire(startMs - 24 * HOUR_MS)
  expect(paths(remembered.all())).toEqual(['new'])
})

test('of very many files the ones longest forgotten go', () => {
  const remembered = createRemembered([], HOUR_MS)
  for (let n = 0; n < 20_100; n += 1) remembered.put(`${n}`, [record(`${n}`, startMs)])
  const left = paths(remembered.all())
  expect(left).toHaveLength(20_000)
  expect(left[0]).toBe('100')
})
