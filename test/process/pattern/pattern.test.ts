import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, it, test } from 'vitest'
import { Pattern } from '../../../src/process/pattern/pattern.ts'
import { programOf } from '../../../src/process/pattern/program.ts'
import { type Required, requiredBy, type Sequence } from '../../../src/process/pattern/required.ts'
import { Searched } from '../../../src/process/pattern/search.ts'

const character = fc.constantFrom('a', 'b', 'c', 'k', 'K', 's', '1', '2', '_', '-', ' ', 'é', 'ü', 'ſ', 'K', '漢', '😀')
const atom = fc.oneof(
  { weight: 6, arbitrary: character },
  { weight: 2, arbitrary: fc.array(character, { minLength: 2, maxLength: 4 }).map((list) => list.join('')) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '.',
      '[a-c]',
      '[^b]',
      '[^é]',
      '[k-ü]',
      '\\d',
      '\\w',
      '\\W',
      '\\s',
      '\\pL',
      '[[:alpha:]]',
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom('^', '$', '\\b', '\\B', '(?m:^)', '(?m:$)', '') },
)
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{0,2}?')
const { pattern } = fc.letrec<{ pattern: string; sequence: string; piece: string }>((tie) => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((list) => list.join('|')),
  sequence: fc.array(tie('piece'), { maxLength: 4 }).map((list) => list.join('')),
  piece: fc
    .tuple(
      fc.oneof(
        { depthSize: 'small' },
        atom,
        fc
          .tuple(fc.constantFrom('(', '(?:', '(?i:', '(?P<name>'), tie('pattern'))
          .map(([open, inner]) => `${open}${inner})`),
      ),
      quantifier,
    )
    .map(([inner, times]) => (/^(?:\^|\$|\\[bB]|\(\?m:.\)|)$/u.test(inner) ? inner : `${inner}${times}`)),
}))
const line = fc.array(character, { maxLength: 25 }).map((list) => list.join(''))

/** Undefined for what RE2 does not take, such as two groups with one name. */
function compile(source: string): { readonly ours: Pattern; readonly theirs: RE2JS } | undefined {
  try {
    return { ours: new Pattern(source), theirs: RE2JS.compile(source) }
  } catch {
    return undefined
  }
}

/** As rules ask, of one line among others: the literal is looked for before anything else. */
function matches(subject: Pattern, text: string, others = ''): boolean {
  const bytes = Buffer.from(`${others}${text}\n${others}`)
  const start = Buffer.byteLength(others)
  const end = start + Buffer.byteLength(text)
  const hit = subject.search ? subject.search.find(new Searched(bytes), start) : start
  if (subject.search && (hit < 0 || hit >= end)) return false
  return subject.test({ bytes, start, end }, hit)
}

function replaced(source: string, text: string, placeholder: string, maxBytes = 1000): string {
  const subject = new Pattern(source)
  return subject.replaceAll(Buffer.from(text), subject.placeholder(placeholder), maxBytes).toString()
}

describe('a pattern', () => {
  it('matches what re2js matches', () => {
    fc.assert(
      fc.property(pattern, fc.array(line, { minLength: 1, maxLength: 6 }), (source, texts) => {
        const both = compile(source)
        if (both === undefined) return
        for (const text of texts) {
          expect([text, matches(both.ours, text)]).toEqual([text, both.theirs.test(text)])
          expect([text, matches(both.ours, text, 'ab\n')]).toEqual([text, both.theirs.test(text)])
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('replaces what re2js replaces', () => {
    fc.assert(
      fc.property(pattern, fc.array(line, { minLength: 1, maxLength: 6 }), (source, texts) => {
        const both = compile(source)
        if (both === undefined) return
        const placeholder = both.ours.placeholder('<é>')
        for (const text of texts) {
          const ours = both.ours.replaceAll(Buffer.from(text), placeholder, 1e6).toString()
          expect([text, ours]).toEqual([text, both.theirs.re2().replaceAll(text, '<é>')])
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('puts the groups of re2js in their places', () => {
    fc.assert(
      fc.property(pattern, fc.array(line, { minLength: 1, maxLength: 6 }), (source, texts) => {
        const both = compile(`(${source})(.?)`)
        // The two differ in what an empty match next to another one is.
        if (both === undefined || both.theirs.test('')) return
        const placeholder = both.ours.placeholder(`[$1|\${2}|$9]`)
        for (const text of texts) {
          const matched = [...both.theirs.matchAll(text)]
          if (matched.some(([whole]) => whole === '')) continue
          const expected = both.theirs
            .matcher(text)
            .replaceAll(
              (_whole: string, ...groups: (string | undefined)[]) =>
                `[${groups[0] ?? ''}|${groups[both.theirs.groupCount() > 1 ? 1 : 0] ?? ''}|]`,
            )
          if (both.theirs.groupCount() < 9)
            expect(both.ours.replaceAll(Buffer.from(text), placeholder, 1e6).toString()).toBe(expected)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    // As Go's documentation of Regexp.ReplaceAll and Regexp.Expand has them.
    ['a(x*)b', '-ab-axxb-', 'T', '-T-T-'],
    ['a(x*)b', '-ab-axxb-', '$1', '--xx-'],
    ['a(x*)b', '-ab-axxb-', '$1W', '---'],
    ['a(x*)b', '-ab-axxb-', `\${1}W`, '-W-xxW-'],
    ['a(?P<1W>x*)b', '-ab-axxb-', '$1W', '--xx-'],
    ['(?P<key>\\w+):\\s+(?P<value>\\w+)$', 'key: value', `$value=\${key}`, 'value=key'],
    ['x*', 'axxb', '-', '-a-b-'],
    ['(a)|b', 'ab', '[$1]', '[a][]'],
    ['b', 'abc', '$$1', 'a$1c'],
    ['b', 'abc', `<$0|$5|$x|\${}|$-|$>`, `a<b|||\${}|$-|$>c`],
    ['é+', 'caféé', 'e', 'cafe'],
    ['(?i)K', 'a\u212ab', '<$0>', 'a<\u212a>b'],
  ])('replaces %s in %s by %s', (source, text, placeholder, expected) => {
    expect(replaced(source, text, placeholder)).toBe(expected)
  })

  it('does not make a line longer than it may be', () => {
    expect(replaced('a', 'aaaa', 'bb', 8)).toBe('bbbbbbbb')
    expect(replaced('a', 'aaaa', 'bb', 7)).toBe('grown')
    expect(replaced('(?i)k', 'kkkk', '$0$0', 7)).toBe('grown')
    expect(replaced('x', 'aaaa', 'bb', 3)).toBe('aaaa')
  })

  describe.each([
    ['an automaton', 'pw=\\w+(?:.*;end)?', 'pw=aa '],
    ['re2js', '[à-é]+k(?:.*;end)?', 'éèkab '],
  ])('whose matches might each reach to the end of the line, for %s', (_, source, unit) => {
    it('gives up before it has looked at the line as often as there are matches', () => {
      expect(replaced(source, unit.repeat(10_000), '*', 1e6)).toBe('costly')
    })

    it('replaces a few of them, one that does reach to the end, and as many as there are where none might', () => {
      const long = 'x'.repeat(10_000)
      const instead = unit.replace(/^\S+k|^\S+/, '*')
      expect(replaced(source, unit.repeat(10) + long, '*', 1e6)).toBe(instead.repeat(10) + long)
      expect(replaced(source, `${unit.repeat(10_000)};end`, '*', 1e6)).toBe('*')
      expect(replaced(source.replace('.*', ' {0,9}'), unit.repeat(10_000), '*', 1e6)).toBe(instead.repeat(10_000))
    })
  })

  test.each([
    ['\\b[à-é]?k\\b', 'k ék kk k😀k _k k'],
    ['^[à-é]|[à-é]$', 'àéà'],
    ['(?:[à-é]|😀)+', 'é😀a😀\ud800é'],
    ['(?i)\\Bstra[ß-ÿ]e|K', 'Straße \u212a xstraßeſ'],
    ['[à-é]*', 'aéb'],
    ['(?:foo|bar)[à-é]+', 'fooé bar foo baré'],
    ['[à-é]x$', 'éxéx'],
  ])('replaces %s in %s as re2js does, by what tells its characters apart', (source, text) => {
    const valid = text.toWellFormed()
    expect(replaced(source, valid, '<>')).toBe(RE2JS.compile(source).re2().replaceAll(valid, '<>'))
  })

  it('goes on when it has more states than it keeps', () => {
    const source = 'a.{12}a'
    const random = (n: number) => (Math.imul(n, 0x9e3779b1) >>> 13) & 1
    const lines = Array.from({ length: 40 }, (_, line) =>
      Array.from({ length: 400 }, (_, at) => (random(line * 400 + at) === 0 ? 'a' : 'b'))
        .join('')
        .replace(/a(.{12})a/g, 'a$1b'),
    )
    const [ours, theirs] = [new Pattern(source), RE2JS.compile(source)]
    for (const text of lines) {
      expect(ours.matches(Buffer.from(text))).toBe(theirs.test(text))
      expect(replaced(source, text, '-')).toBe(theirs.re2().replaceAll(text, '-'))
    }
  })
})

/** `x`, or `[xX]` where it may be one of several. */
function shown({ sequences }: Required): string {
  const sequence = (sets: Sequence) =>
    sets.map((set) => (set.length === 1 ? String.fromCodePoint(...set) : `[${String.fromCodePoint(...set)}]`)).join('')
  return sequences.map(sequence).sort().join(' or ')
}

describe('what a pattern requires', () => {
  test.each([
    ['"verb":"(get|list)"', '"verb":"', 'prefix'],
    ['system:(a|b):kube-system', ':kube-system', 'inside'],
    ['healthz', 'healthz', 'whole'],
    ['^healthz', 'healthz', 'prefix'],
    ['\\.com$', '.com', 'prefix'],
    ['(foo)+bar', 'foo', 'prefix'],
    ['a?b', 'b', 'inside'],
    ['(a|b)c*', '[ab]', 'prefix'],
    ['(?:xa|yb)[c-z]', 'xa or yb', 'prefix'],
    ['(?i)abd', '[Aa][Bb][Dd]', 'whole'],
    ['(?i)sk=', '[Ssſ][Kk\u212a]=', 'whole'],
    ['(?i)(token|secret)=', '[Ssſ][Ee][Cc][Rr][Ee][Tt]= or [Tt][Oo][Kk\u212a][Ee][Nn]=', 'prefix'],
    ['(?i)token123', '123', 'inside'],
    ['x{3}', 'xxx', 'whole'],
    ['aéb', 'aéb', 'whole'],
    ['abc\\nde', 'abc', 'prefix'],
    ['[a-e]+', undefined, undefined],
    ['x*', undefined, undefined],
    ['(?:)*', undefined, undefined],
    ['', undefined, undefined],
  ])('%s: %s', (source, text, place) => {
    const required = requiredBy(programOf(RE2JS.compile(source)))
    expect(required && shown(required)).toBe(text)
    expect(required && (required.isWhole ? 'whole' : required.isPrefix ? 'prefix' : 'inside')).toBe(place)
  })
})
