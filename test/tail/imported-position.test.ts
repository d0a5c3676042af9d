import { expect, test } from 'vitest'
import { chooseHome, type HomeCandidate } from '../../src/tail/imported-position.ts'

const T = 1_000_000
const LONG_BEFORE = T - 60_000
const LATER = T + 60_000
const file = (bornAtMs: number, fits = true): HomeCandidate => ({ bornAtMs, fits })

interface Case {
  readonly name: string
  readonly live?: HomeCandidate
  /** Youngest first. */
  readonly rotated?: readonly HomeCandidate[]
  readonly updatedAtMs?: number
  readonly home: 'live' | number | undefined
}

test.each<Case>([
  { name: 'only the live file', live: file(LONG_BEFORE), home: 'live' },
  { name: 'a live file that is shorter than the position', live: file(LONG_BEFORE, false), home: undefined },
  { name: 'no live file', rotated: [file(LONG_BEFORE)], home: 0 },
  { name: 'older generations beside it', live: file(LONG_BEFORE), rotated: [file(LONG_BEFORE - 9)], home: 'live' },
  { name: 'rotated since', live: file(LATER, false), rotated: [file(LONG_BEFORE)], home: 0 },
  { name: 'rotated since and grown past the position', live: file(LATER), rotated: [file(LONG_BEFORE)], home: 0 },
  {
    name: 'rotated twice since',
    live: file(LATER + 9),
    rotated: [file(LATER), file(LONG_BEFORE), file(LONG_BEFORE - 9)],
    home: 1,
  },
  { name: 'rotated in the same moment', live: file(T - 2), rotated: [file(LONG_BEFORE)], home: 0 },
  {
    name: 'copied and truncated since, and grown past the position',
    live: file(LONG_BEFORE),
    rotated: [file(LATER)],
    home: 0,
  },
  { name: 'copied twice since', live: file(LONG_BEFORE), rotated: [file(LATER + 9), file(LATER)], home: 1 },
  { name: 'a copy from before', live: file(LONG_BEFORE), rotated: [file(LONG_BEFORE + 9)], home: 'live' },
  { name: 'a date before everything', live: file(LATER + 9), rotated: [file(LATER)], home: 'live' },
  { name: 'no date', live: file(LONG_BEFORE), rotated: [file(LATER)], updatedAtMs: Number.NaN, home: 'live' },
  { name: 'no times of birth', live: file(0), rotated: [file(0), file(0)], home: 'live' },
  { name: 'no times of birth, too short', live: file(0, false), rotated: [file(0), file(0)], home: 0 },
  { name: 'it fits none', live: file(LATER, false), rotated: [file(LONG_BEFORE, false)], home: undefined },
])(
  'a position is in the file that was live when it was written: $name',
  ({ live, rotated = [], updatedAtMs = T, home }) => {
    const chosen = chooseHome(live, rotated, Number.isNaN(updatedAtMs) ? undefined : updatedAtMs)
    expect(chosen === undefined ? undefined : chosen === live ? 'live' : rotated.indexOf(chosen)).toBe(home)
  },
)
