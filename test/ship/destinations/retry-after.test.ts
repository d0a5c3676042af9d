import { afterEach, describe, expect, it, vi } from 'vitest'
import { parseRetryAfter } from '../../../src/ship/destinations/retry-after.ts'

const now = Date.UTC(1994, 10, 6, 8, 49, 7)

afterEach(() => void vi.unstubAllEnvs())

describe('parseRetryAfter', () => {
  const rows: readonly [string | undefined, number | undefined][] = [
    ['120', 120_000],
    [' 1 ', 1000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
    ['Sun Nov  6 08:49:37 1994', 30_000],
    ['86400', 3_600_000],
    ['9'.repeat(400), 3_600_000],
    ['Fri, 06 Nov 2094 08:49:37 GMT', 3_600_000],
    [undefined, undefined],
    ['', undefined],
    ['0', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['Sunday', undefined],
    ['1994-11-06T09:00:00Z', undefined],
    ['Sun, 06 Nov 1994 08:48:37 GMT', undefined],
  ]
  for (const [value, waitMs] of rows) {
    it(`takes ${value?.slice(0, 40)} for ${waitMs}`, () => {
      expect(parseRetryAfter(value, now)).toBe(waitMs)
    })
  }

  it('takes a date without a zone for GMT, wherever the agent runs', () => {
    vi.stubEnv('TZ', 'America/New_York')
    expect(new Date(now).getHours()).toBe(3)
    expect(parseRetryAfter('Sun Nov  6 08:49:37 1994', now)).toBe(30_000)
  })
})
