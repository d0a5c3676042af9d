import { describe, expect, test } from 'vitest'
import { type GenerationRecord, parseRegistry } from '../../src/checkpoint/registry.ts'

const position = { offset: 40, marker: { length: 40, hash: 'b' }, deadLetteredBytes: 3, skippedBytes: { rule: 7 } }
const record: GenerationRecord = {
  id: 'a',
  path: '/log/a.log',
  lastPath: '/log/a.log.1',
  dev: '1',
  ino: '2',
  birth: '3',
  prefix: { length: 50, hash: 'a' },
  size: 50,
  finished: false,
  seenAt: '2026-11-20T14:33:45.420Z',
  positions: { main: position },
}
const state = {
  writtenAt: '2026-11-20T14:33:45.420Z',
  sources: { '/log/a.log': '2026-11-20T14:33:45.420Z' },
  generations: [record],
}

test('a state is read as it was written', () => {
  const parsed = parseRegistry(JSON.parse(JSON.stringify(state)))
  expect(parsed).toEqual({ sinceMs: new Map([['/log/a.log', 1795185225420]]), generations: [record], rejected: 0 })
})

test('a file from before 1970 is kept', () => {
  const old = { ...record, birth: '-1000000000', archive: { size: 40, mtimeMs: -1000 } }
  expect(parseRegistry({ ...state, generations: [old] }).generations).toEqual([old])
})

describe('an entry that makes no sense is left out and counted, beside one that is kept:', () => {
  const at = (more: object) => ({ ...record, positions: { main: { ...position, ...more } } })
  test.each<[string, unknown]>([
    ['no object', 7],
    ['null', null],
    ['a path that is no text', { ...record, path: ['/'] }],
    ['a time that is none', { ...record, seenAt: 'yesterday' }],
    ['a time beyond all calendars', { ...record, seenAt: '+999999-01-01T00:00:00Z' }],
    ['a birth that is no number', { ...record, birth: 'abc' }],
    ['a birth with a fraction', { ...record, birth: '1.5' }],
    ['a negative size', { ...record, size: -1 }],
    ['a size that no file has', { ...record, size: 1e300 }],
    ['a prefix longer than any', { ...record, prefix: { length: 3e9, hash: 'a' } }],
    ['an archive without a time', { ...record, archive: { size: 40 } }],
    ['an archive of a negative size', { ...record, archive: { size: -1, mtimeMs: 0 } }],
    ['no positions', { ...record, positions: null }],
    ['an offset with a fraction', at({ offset: 1.5 })],
    ['an offset as text', at({ offset: '40' })],
    ['a marker longer than any', at({ offset: 4e9, marker: { length: 3e9, hash: 'b' } })],
    ['a marker before the beginning', at({ offset: 39 })],
    ['a count that is no number', at({ skippedBytes: { rule: null } })],
    ['a count that is missing', at({ deadLetteredBytes: undefined })],
  ])('%s', (_, entry) => {
    expect(parseRegistry({ ...state, generations: [entry, record] })).toMatchObject({
      generations: [record],
      rejected: 1,
    })
  })
})

test.each([undefined, null, [], 'text', {}, { generations: 7, sources: [] }, { sources: { a: 'never', b: 1e300 } }])(
  'a state that is none (%j) holds nothing',
  (none) => {
    expect(parseRegistry(none)).toEqual({ sinceMs: new Map(), generations: [], rejected: 0 })
  },
)
