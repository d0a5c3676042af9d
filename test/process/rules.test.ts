import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { RuleConfig } from '../../src/config/config.ts'
import { compileRules, type TouchedLine } from '../../src/process/rules.ts'

const exclude = (pattern: string): RuleConfig => ({ kind: 'exclude_at_match', name: 'x', pattern })
const include = (pattern: string): RuleConfig => ({ kind: 'include_at_match', name: 'i', pattern })
const mask = (pattern: string, placeholder = '***'): RuleConfig => ({
  kind: 'mask_sequences',
  name: 'm',
  pattern,
  placeholder,
})

const applied = (rules: readonly RuleConfig[], line: string, maxBytes = 1000) =>
  compileRules(rules).apply(Buffer.from(line), maxBytes).toString()

describe('processing rules', () => {
  test.each<[string, readonly RuleConfig[], string, string]>([
    ['no rule keeps', [], 'a', 'a'],
    ['an excluded line is dropped', [exclude('healthz')], 'GET /healthz', 'dropped'],
    ['another is kept', [exclude('healthz')], 'GET /pods', 'GET /pods'],
    ['an included line is kept', [include('"secrets"')], '{"resource":"secrets"}', '{"resource":"secrets"}'],
    ['another is dropped', [include('"secrets"')], '{"resource":"pods"}', 'dropped'],
    ['a line must match every include', [include('a'), include('b')], 'a', 'dropped'],
    ['the first exclusion wins over a later include', [exclude('a'), include('a')], 'a', 'dropped'],
    ['an include does not protect from a later exclusion', [include('a'), exclude('b')], 'ab', 'dropped'],
    ['every match is masked', [mask('\\d{4}', 'N')], '1234 12345 123', 'N N5 123'],
    ['a mask may refer to groups', [mask('(user)=\\w+', '$1=?')], 'user=me user=you', 'user=? user=?'],
    ['without a placeholder a mask deletes', [mask('b+', '')], 'abbc', 'ac'],
    [
      'rules see what masks before them left',
      [mask('secret', 'x'), exclude('secret'), include('x')],
      'a secret',
      'a x',
    ],
    ['rules before a mask see what it changes', [exclude('secret'), mask('secret', 'x')], 'a secret', 'dropped'],
    ['masks work in order', [mask('a', 'b'), mask('b', 'c')], 'ab', 'cc'],
    ['^ and $ are the ends of the line', [exclude('^a.*z$')], 'a to z', 'dropped'],
    ['characters count, not bytes', [exclude('^...$')], 'äöü', 'dropped'],
    ['a mask may be empty-handed', [mask('z', 'y')], 'abc', 'abc'],
  ])('%s', (_name, rules, line, expected) => {
    expect(applied(rules, line)).toBe(expected)
  })

  it('give back the very line they do not touch', () => {
    const rules = compileRules([exclude('x'), mask('y')])
    for (const bytes of [Buffer.from('abc'), Buffer.from([0x61, 0xff, 0x62])]) expect(rules.apply(bytes, 1)).toBe(bytes)
  })

  it('say of a line that masks make too long that it has grown', () => {
    expect(applied([mask('a', 'aa')], 'aaaa', 7)).toBe('grown')
    expect(applied([mask('a', 'aa')], 'aaaa', 8)).toBe('aaaaaaaa')
    expect(applied([mask('a', 'aa'), exclude('aaaaa')], 'aaaa', 8)).toBe('dropped')
  })

  it('see bytes that are no UTF-8 as U+FFFD', () => {
    const line = Buffer.from([0x61, 0xff, 0x62])
    expect(compileRules([exclude('a\ufffdb')]).apply(line, 100)).toBe('dropped')
    expect(
      compileRules([mask('^..', 'x')])
        .apply(line, 100)
        .toString(),
    ).toBe('xb')
  })
})

function scanned(rules: readonly RuleConfig[], text: string | Buffer, { from = 0, max = 100 } = {}) {
  const bytes = Buffer.from(text)
  const scan = compileRules(rules).scan(bytes, max)
  const found: TouchedLine[] = []
  for (let next = scan.next(from); next !== undefined; next = scan.next(next.next)) found.push(next)
  return found
}

describe('a scan', () => {
  it('finds the lines that rules drop or change', () => {
    expect(scanned([exclude('b'), mask('c')], 'a\nb\r\n\nc\nbb')).toEqual([
      { start: 2, end: 3, next: 5, reason: 'rule', rule: 0 },
      { start: 6, end: 7, next: 8, reason: 'rule', rule: 1 },
    ])
  })

  it('passes over empty lines and lines that are too long, whatever the rules', () => {
    expect(scanned([include('x')], `\n\r\n${'a'.repeat(101)}\n${'b'.repeat(100)}\r\n`)).toEqual([
      { start: 105, end: 205, next: 207, reason: 'rule', rule: 0 },
    ])
  })

  it('begins a line behind its leading NUL bytes', () => {
    expect(scanned([exclude('^b')], '\0\0\0b\n\0c\n\0')).toEqual([
      { start: 0, end: 3, next: 3, reason: 'nul' },
      { start: 3, end: 4, next: 5, reason: 'rule', rule: 0 },
      { start: 5, end: 6, next: 6, reason: 'nul' },
    ])
  })

  it('does not take text across the ends of lines for a match', () => {
    expect(scanned([exclude('a\\nb')], 'a\nb\n')).toEqual([])
    expect(scanned([exclude('a\\r')], 'a\r\nb\n')).toEqual([])
    expect(scanned([exclude('ab')], 'a\r\nb\nab\r\n')).toEqual([{ start: 5, end: 7, next: 9, reason: 'rule', rule: 0 }])
  })

  const rule = fc.oneof(
    fc
      .constantFrom('ab', 'b+', '^a', 'c$', 'é', '[^a]c', 'a|bc', '(?i)AB', '\\bb', '', 'x')
      .chain((pattern) =>
        fc.constantFrom(exclude(pattern), include(pattern), mask(pattern, '[$0]'), mask(pattern, '')),
      ),
  )
  const line = fc
    .array(fc.constantFrom('a', 'b', 'c', ' ', 'é', '\xff', '\r'), { maxLength: 8 })
    .map((pieces) => Buffer.concat(pieces.map((piece) => Buffer.from(piece, piece === '\xff' ? 'latin1' : 'utf8'))))

  it('finds just the lines that applying the rules would not give back', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), fc.array(line, { maxLength: 12 }), (rules, lines) => {
        const compiled = compileRules(rules)
        const expected: number[] = []
        let start = 0
        for (const bytes of lines) {
          const content = bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes
          if (content.length > 0 && compiled.apply(content, 100) !== content) expected.push(start)
          start += bytes.length + 1
        }
        const text = Buffer.concat(lines.flatMap((bytes) => [bytes, Buffer.from('\n')]))
        const touched = scanned(rules, text)
        expect(touched.map((one) => one.start)).toEqual(expected)
        for (const one of touched) {
          const content = text.subarray(one.start, one.end)
          const known = one.reason === 'rule' ? one.rule : undefined
          expect(compiled.apply(content, 100, known)).toEqual(compiled.apply(content, 100))
        }
      }),
      { numRuns: 2000 },
    )
  })
})
