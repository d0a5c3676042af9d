import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Place } from '../../../src/tail/file/place.ts'
import { Retention } from '../../../src/tail/lineage/retention.ts'

const HOUR = 3_600_000
/** The last rotation. */
const noon = Date.UTC(2026, 10, 20, 12)

/** Rotated files by name, oldest first, one an hour, the last one at noon. */
function hourly(...names: readonly string[]): Place[] {
  return names.map((name, index) => ({
    path: join('/logs', name),
    facts: { mtimeMs: noon - (names.length - 1 - index) * HOUR } as Place['facts'],
  }))
}

/** The writer keeps three: the oldest of four has just been deleted. */
function keepingThree(before: readonly Place[], after: readonly Place[]): Retention {
  const retention = new Retention()
  retention.observe('audit.log', before)
  retention.observe('audit.log', after)
  return retention
}

const stamped = (hour: number) => `audit-2026-11-20T${String(hour).padStart(2, '0')}-00-00.000.log`

describe('when files will be deleted', () => {
  test('is not known before one was', () => {
    const retention = new Retention()
    retention.observe('audit.log', hourly(stamped(10), stamped(11), stamped(12)))
    expect(retention.deletionInMs(undefined, noon)).toBe(undefined)
    retention.observe('audit.log', hourly(stamped(10), stamped(11), stamped(12), stamped(13)))
    expect(retention.deletionInMs(undefined, noon)).toBe(undefined)
  })

  test('follows from how many are kept and how often they are rotated', () => {
    const [first, ...kept] = hourly(stamped(9), stamped(10), stamped(11), stamped(12))
    const retention = keepingThree([first as Place, ...kept.slice(0, 2)], kept)
    expect(kept.map(({ path }) => retention.deletionInMs(path, noon))).toEqual([HOUR, 2 * HOUR, 3 * HOUR])
    expect(retention.deletionInMs(undefined, noon)).toBe(4 * HOUR)
    expect(retention.deletionInMs(kept[0]?.path, noon + HOUR / 4)).toBe(0.75 * HOUR)
    expect(retention.deletionInMs(kept[0]?.path, noon + 2 * HOUR)).toBe(0)
  })

  test('is now for one that is gone', () => {
    const [first, ...kept] = hourly(stamped(9), stamped(10), stamped(11), stamped(12))
    const retention = keepingThree([first as Place, ...kept], kept)
    expect(retention.deletionInMs(first?.path, noon)).toBe(0)
    retention.observe('audit.log', [kept[0], kept[2]] as Place[])
    expect(retention.deletionInMs(kept[1]?.path, noon)).toBe(0)
  })

  test('does not change when a file is compressed', () => {
    const plain = hourly(stamped(9), stamped(10), stamped(11), stamped(12))
    const packed = plain.slice(1).map(({ path, facts }) => ({ path: `${path}.gz`, facts }))
    const retention = keepingThree(plain, packed)
    expect(retention.deletionInMs(packed[0]?.path, noon)).toBe(HOUR)
    expect(retention.deletionInMs(plain[1]?.path, noon)).toBe(HOUR)
  })

  test('is told of numbered names too, which all move on when the oldest goes', () => {
    const before = hourly('audit.log.3', 'audit.log.2', 'audit.log.1')
    const moved = before.slice(1).map(({ facts }, index) => ({ path: `/logs/audit.log.${3 - index}`, facts }))
    const newest = { path: '/logs/audit.log.1', facts: { mtimeMs: noon + HOUR } as Place['facts'] }
    const retention = keepingThree(before, [...moved, newest])
    expect(retention.deletionInMs('/logs/audit.log.3', noon + HOUR)).toBe(HOUR)
  })

  test('is not told of one file alone, nor of files of one moment', () => {
    const two = hourly(stamped(11), stamped(12))
    expect(keepingThree(two, two.slice(1)).deletionInMs(undefined, noon)).toBe(undefined)
    const same = hourly(stamped(10), stamped(11), stamped(12)).map(({ path }) => ({
      path,
      facts: { mtimeMs: noon } as Place['facts'],
    }))
    expect(keepingThree(same, same.slice(1)).deletionInMs(undefined, noon)).toBe(undefined)
  })
})
