import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  durationMeant,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  sizeMeant,
} from '../../src/config/units.ts'

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['4.1m', 246_000],
    ['1h30m', 5_400_000],
    ['30d', 2_592_000_000],
    ['7', 7_000],
    [7, 7_000],
    [0.25, 250],
    [0, 0],
  ])('reads %j', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(['', '5 s', '-5s', '5x', 's', '1h-', -1, Number.NaN, Number.POSITIVE_INFINITY, true, null, [5]])(
    'refuses %j',
    (value) => expect(parseDuration(value)).toBeUndefined(),
  )

  it('writes nothing as 0s', () => expect(formatDuration(0)).toBe('0s'))

  it('reads back what it writes', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => parseDuration(formatDuration(ms)) === ms))
  })
})

describe('what is meant', () => {
  it.each([
    ['5 s', '5s'],
    ['5S', '5s'],
    ['1 hour 30 mins', '1h30m'],
    ['250 milliseconds', '250ms'],
    ['2 days', '2d'],
    ['5x', undefined],
    ['', undefined],
    ['s', undefined],
    [true, undefined],
  ])('by the duration %j is %j', (value, meant) => expect(durationMeant(value)).toBe(meant))

  it.each([
    ['5 MiBs', '5MiB'],
    ['5 megs', undefined],
    ['10 bytes', '10B'],
    ['1_000_000', '1000000'],
    ['', undefined],
    ['5TB', undefined],
  ])('by the size %j is %j', (value, meant) => expect(sizeMeant(value)).toBe(meant))
})

describe('sizes', () => {
  it.each([
    [5_000_000, 5_000_000],
    ['5MB', 5_000_000],
    ['1MiB', 1_048_576],
    ['1Mi', 1_048_576],
    ['1.5 KiB', 1_536],
    ['2g', 2_000_000_000],
    ['12B', 12],
    ['12', 12],
  ])('reads %j', (text, bytes) => expect(parseSize(text)).toBe(bytes))

  it.each(['', 'MB', '5TB', '-1', '1e3', -1, Number.NaN, {}])('refuses %j', (value) =>
    expect(parseSize(value)).toBeUndefined(),
  )

  it('reads back what it writes', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseSize(formatSize(bytes)) === bytes))
  })
})
