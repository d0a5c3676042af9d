import { describe, expect, it } from 'vitest'
import { bytes, duration, humanBytes, table, timestamp } from '../../src/observe/format.ts'
import { checkLine, printable } from '../../src/observe/line.ts'

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB (1024)'],
  [183_204, '178.9 KiB (183204)'],
  [5_368_709_120, '5.0 GiB (5368709120)'],
  [2 ** 60, `1024.0 PiB (${2 ** 60})`],
])('%d bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text)
  expect(text.startsWith(humanBytes(count))).toBe(true)
})

it.each([
  [0, '0s'],
  [2.14, '2.1ms'],
  [40.4, '40ms'],
  [999, '999ms'],
  [12_900, '12s'],
  [60_000, '1m'],
  [184_000, '3m 4s'],
  [7_500_000, '2h 5m'],
  [273_600_000, '3d 4h'],
])('%d ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

describe('a timestamp', () => {
  const now = Date.parse('2026-11-21T10:00:00.000Z')
  it.each([
    ['2026-11-21T09:59:57.000Z', '2026-11-21T09:59:57.000Z (3s ago)'],
    ['2026-11-21T10:00:04.000Z', '2026-11-21T10:00:04.000Z (in 4s)'],
    ['\x1b[2J', '\\x1b[2J'],
  ])('%j is shown as %j', (iso, text) => {
    expect(timestamp(iso, now)).toBe(text)
  })
})

it('makes control characters harmless', () => {
  expect(printable('a\x1b]0;title\x07\n\u{9b}2J\u202Eb é 日')).toBe('a\\x1b]0;title\\x07\\x0a\\x9b2J\\u{202e}b é 日')
})

it('shows the bytes of a file name that is not UTF-8', () => {
  expect(printable('/é/\udce9\udcff.log \ud800')).toBe('/é/\\xe9\\xff.log \\u{d800}')
})

it('aligns the columns of a table and leaves the last one ragged', () => {
  expect(
    table([
      ['A', 'BB', 'C'],
      ['long', '', 'x y'],
    ]),
  ).toEqual(['A     BB  C', 'long      x y'])
})

it('says in one line how a check went', () => {
  expect(checkLine('live', { ok: true, reasons: [] })).toBe('OK    live')
  expect(checkLine('ready', { ok: false, reasons: ['one', 'two\n'] })).toBe('FAIL  ready: one; two\\x0a')
})
