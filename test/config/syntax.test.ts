import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfDocument } from '../../src/config/document.ts'
import { brief, item, key, problemsOf, told } from './loading.ts'

describe('YAML that is broken', () => {
  it.each([
    ['logs:\n\t- type: file\n', '2:1 a tab cannot indent YAML → use spaces'],
    [`${item}tags: [a\nlog_level: info\n`, /^4:1 Flow sequence/],
    [`${item}hostname: "a\n`, /^4:1 Missing closing "quote/],
    [`${item}hostname: a: b\n`, /^3:11 a second `key: value` in one line/],
    [`${item}hostname: @a\n`, /^3:11 .*reserved character @ → put it in quotes/],
    [`${item}hostname: {{ .Values.host }}\n`, /^3:12 a key must be plain text → .*template/],
    [`${item}hostname: *a\n`, '3:11 there is no anchor (&…) before this alias (*…)'],
    [`${item}hostname: !secret a\n`, /^3:11 tags/],
    [`${item}---\na: 1\n`, /^3:1 a second document/],
    [`${item}log_level: info\nlog_level: warn\n`, '4:1 key `log_level` stands here twice → keep one of them'],
    [`${item} b: 1\n`, /^3:1 All mapping items must start at the same column/],
    [`${item}hostname: "a" b\n`, '3:15 this text does not belong here → is it indented like the lines around it?'],
    ['just text\n', '1:1 a configuration must be a mapping (key: value), not a string'],
    ['- a\n', '1:1 a configuration must be a mapping (key: value), not a list'],
    ['', /^is empty → it needs `logs:` and `destination:`/],
    ['# nothing\n---\n', /^is empty → /],
  ])('is placed and explained: %j', async (text, expected) => {
    const problems = (await told(text)).filter((line) => !line.startsWith('there is nothing'))
    expect(problems).toEqual([expected instanceof RegExp ? expect.stringMatching(expected) : expected])
  })

  it('hides no problem before it, and makes up none behind it', async () => {
    expect(await told('log_levl: info\nlogs:\n\t- type: file\n  path: 3\nunknown: 1\n', {})).toEqual([
      '1:1 unknown key `log_levl` → did you mean `log_level`?',
      '3:1 a tab cannot indent YAML → use spaces',
    ])
  })

  it('is still checked as a whole when keys are there twice', async () => {
    expect(await told('log_level: info\nlog_level: warn\nunknown: 1\n', {})).toHaveLength(4)
  })

  it('is bounded, however broken or unfolding', async () => {
    expect((await told(`a: ${'['.repeat(5_000)}`)).length).toBeLessThan(25)
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', ...'bcdefgh'].map((line, index, all) =>
      index === 0 ? line : `${line}: &${line} [${`*${all[index - 1]?.[0]},`.repeat(9)}]`,
    )
    expect(await told(bomb.join('\n'))).toContainEqual(expect.stringContaining('unfolds to too much'))
  })

  it('never makes the reader throw or point outside the file', () => {
    const word = fc.constantFrom(
      'logs',
      'api_key',
      ':',
      ' ',
      '\n',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '&a',
      '*a',
      '\t',
      '!x',
      '#',
      '|',
      '>',
      '---',
      '\0',
      'é',
    )
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
        (text) => {
          const lines = text.split('\n').length
          for (const { line } of new ConfDocument('f', text).syntax) {
            expect(line ?? 1).toBeGreaterThan(0)
            expect(line ?? 1).toBeLessThanOrEqual(lines + 1)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('secrets', () => {
  const secret = 'S3CR3T'
  it.each([
    `destination: {type: datadog, api_key: [${secret}]}`,
    `destination:\n  type: datadog\n  api_key: "${secret} ${secret}"`,
    `destination:\n  type: datadog\n  api_key: ${secret}: x`,
    `destination:\n  type: datadog\n  api_key:\n\t${secret}`,
    `destination:\n  type: datadog\n  api_key:\n  ${secret}`,
    `destination:\n  type: datadog\n  api_key: |\n    ${secret}\n   ${secret}`,
    `destination:\n  type: datadog\n  api_key: *${secret}`,
    `destination:\n  type: datadog\n  api_key: !${secret} x`,
    `destination:\n  type: datadog\n  api_key: @${secret}`,
    `destination:\n  type: datadog\n  apikey: ${secret}`,
    `destination:\n  type: datadog\n  url: https://user:${secret}@host`,
    `destination:\n  type: datadog\n  proxy: {https: "ftp://user:${secret}@proxy"}`,
    `destination:\n  type: datadog\n  proxy:\n    https: ftp://user:${secret}@proxy`,
    `destination:\n  type: webhook\n  url: http://h\n  headers: {X-Any: [${secret}]}`,
    `destination:\n  type: webhook\n  url: http://h\n  headers:\n    X-Any: [${secret}]`,
    `destination:\n  type: webhook\n  url: http://h\n  headers:\n    X-Any: "${secret}\u0007"\n    Authorization: Bearer ${secret}\n    Host: ${secret}`,
    `destination:\n  type: webhook\n  url: http://h\n  token: {a: ${secret}}`,
    `destination:\n  type: webhook\n  url: http://h\n  token: ENC[${secret}]`,
    `destination:\n  type: webhook\n  password: ${secret}`,
  ])('are in no problem: %j', async (text) => {
    const problems = await problemsOf(`${item}${text}\n`)
    expect(problems).not.toEqual([])
    expect(problems.map(brief).join('\n')).not.toContain(secret)
    expect(JSON.stringify(problems)).not.toContain(secret)
  })

  it('of the environment are in no problem either', async () => {
    const problems = await problemsOf(item, { DD_API_KEY: `${secret} x`, HTTPS_PROXY: `ftp://u:${secret}@h` })
    expect(problems).toHaveLength(2)
    expect(JSON.stringify(problems)).not.toContain(secret)
  })

  it('of a good configuration are not seen in it', async () => {
    const { inspect } = await import('node:util')
    const { configOf } = await import('./loading.ts')
    const config = await configOf(`${item}destination: {type: datadog, api_key: ' ${secret}\n '}`, key)
    expect(inspect(config, { depth: 9, showHidden: true })).not.toContain(secret)
    expect(JSON.stringify(config)).not.toContain(secret)
    const [destination] = config.destinations
    if (destination?.type !== 'datadog' || destination.apiKey.kind !== 'value') throw new Error('no key')
    expect(destination.apiKey.reveal()).toBe(secret)
  })
})
