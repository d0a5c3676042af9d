import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { compilePathPattern } from '../../../src/tail/names/path-pattern.ts'
import { takesAll } from '../../../src/tail/names/wildcards.ts'

test.each<[pattern: string, matching: string[], others: string[]]>([
  ['/l/*', ['/l/a', '/l/.a', '/l/a\nb'], ['/l', '/l/a/b']],
  ['/l/*-*.log', ['/l/-.log', '/l/a-b-c.log', '/l/-.log.log'], ['/l/a.log', '/l/a-b.log.gz', '/l/a-/b.log']],
  ['/l/a**b', ['/l/ab', '/l/axb'], ['/l/ax/b']],
  ['/l/?', ['/l/a', '/l/é', '/l/😀'], ['/l/', '/l/ab']],
  ['/l/[a-c.]', ['/l/b', '/l/.'], ['/l/d', '/l/-', '/l/ab']],
  ['/l/[!a-c]', ['/l/d', '/l/-', '/l/😀'], ['/l/a', '/l/dd']],
  ['/l/[^a]', ['/l/b', '/l/^'], ['/l/a']],
  ['/l/[]a-]', ['/l/]', '/l/a', '/l/-'], ['/l/b']],
  ['/l/[*\\]?]', ['/l/*', '/l/]', '/l/?'], ['/l/a', '/l/\\']],
  ['/l/[a/b]*', ['/l/[a/b]', '/l/[a/b]c'], ['/l/a']],
  ['/l/**', ['/l/a', '/l/a/b'], ['/l', '/m/a']],
  ['/l/**/b', ['/l/b', '/l/a/b', '/l/b/b/b'], ['/l/ab', '/l/b/a']],
  ['/l/**/a/**/b*', ['/l/a/b', '/l/a/x/a/y/bc'], ['/l/b', '/l/a', '/l/b/a']],
  ['/l/{a,b}.{log,txt}', ['/l/a.log', '/l/b.txt'], ['/l/a', '/l/{a,b}.log']],
  ['/l/{a/b,c*}/d', ['/l/a/b/d', '/l/cc/d'], ['/l/a/d']],
  ['/l/x{,{y,z}?}', ['/l/x', '/l/xya', '/l/xzb'], ['/l/xy']],
  ['/l/{a}{1..3}{*', ['/l/{a}{1..3}{', '/l/{a}{1..3}{b'], ['/l/a2']],
  ['/l/[{a,b}]\\{c\\,d*', ['/l/a{c,d', '/l/,{c,d'], ['/l/ac']],
  ['/l/\\*\\d+(a|b)@$"\'!.log', ['/l/*d+(a|b)@$"\'!.log'], ['/l/xd+(a|b)@$"\'!.log']],
])('%s', (pattern, matching, others) => {
  const matches = compilePathPattern(pattern)
  expect([...matching, ...others].filter(matches)).toEqual(matching)
})

describe('wildcards', () => {
  const wildcard = fc.constantFrom('.*', '[^]', 'a', 'b')
  const part = fc.constantFrom('a', 'b')

  it('take what the expression does that they stand for, in a test for each wildcard and part at most', () => {
    fc.assert(
      fc.property(fc.array(wildcard, { maxLength: 8 }), fc.array(part, { maxLength: 12 }), (wildcards, parts) => {
        let tests = 0
        const counted = wildcards.map((wildcard) => {
          if (wildcard === '.*') return 'any'
          return (character: string) => {
            tests += 1
            return wildcard === '[^]' || wildcard === character
          }
        })
        expect(takesAll(counted, parts)).toBe(new RegExp(`^${wildcards.join('')}$`).test(parts.join('')))
        expect(tests).toBeLessThanOrEqual(wildcards.length * parts.length)
      }),
      { numRuns: 2000 },
    )
  })

  it('take no more tests than that of a name made to be hard', () => {
    let tests = 0
    const dash = (character: string) => {
      tests += 1
      return character === '-'
    }
    const wildcards = [...Array.from({ length: 8 }, () => ['any', dash] as const).flat(), () => false]
    expect(takesAll(wildcards, [...'-'.repeat(240)])).toBe(false)
    expect(tests).toBeLessThanOrEqual(8 * 240)
  })
})
