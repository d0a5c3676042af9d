import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfDocument } from '../../src/config/document.ts'
import { brief, item, key, problemsOf, told } from './loading.ts'

describe('YAML that is broken', () => {
  it.each([
    ['logs:\n\t- type: file\n', '2:1 YAML cannot be indented with tabs → use spaces'],
    ['destination:\n  type: datadog\n  \tsite: datadoghq.eu\n', '3:3 YAML cannot be indented with tabs → use spaces'],
    [
      `${item}tags: [a\nlog_level: info\n`,
      '3:7 this [ is not closed → close it; if it spans several lines, indent them',
    ],
    [`${item}server: {listen: false\n`, /^3:9 this { is not closed → /],
    [`${item}tags: [a]]\n`, '3:10 this ] closes nothing'],
    [`${item}server: {, listen: false}\n`, '3:10 there is nothing before this comma'],
    [`${item}tags: ["a" "b"]\n`, /^3:12 a comma is missing here, inside { } or \[ \] → /],
    [`${item}server: {listen: false log_level: info}\n`, /^3:18 a comma is missing here, inside { } or \[ \] → /],
    [`${item}hostname: "a\ntags: [b]\n`, '3:11 this " is not closed → close it at the end of the value'],
    [`${item}hostname: 'a\n`, "3:11 this ' is not closed → close it at the end of the value"],
    [`${item}hostname: "a" b\n`, /^3:15 the value ends at the quote before this → quote all of it/],
    [`${item}hostname: "a"#b\n`, /^3:14 a comment \(#\) needs a space before it → /],
    [`${item}hostname: "\\q"\n`, /^3:12 this is not an escape that double quotes allow → /],
    [`${item}hostname: | a\n`, /^3:13 nothing may follow \| or > on /],
    [`${item}hostname: a: b\n`, /^3:11 a second `key: value` on one line/],
    [`${item}hostname: @a\n`, '3:11 a value cannot begin with @ → put it in quotes'],
    [`${item}hostname: {{ .Values.host }}\n`, /^3:12 a key must be plain text → .*template/],
    [`${item}hostname: *a\n`, /^3:11 this alias .* has no anchor .* → put text that begins with \* in quotes/],
    [`${item}hostname: &\n`, /^3:11 an anchor .* needs a name/],
    [`${item}hostname: !secret a\n`, /^3:11 tags/],
    [`${item}---\na: 1\n`, /^3:1 a second document/],
    [`${item}log_level: info\nlog_level: warn\n`, '4:1 duplicate key `log_level` → keep one of them'],
    [`${item} b: 1\n`, /^3:2 the indentation does not match the lines around it → /],
    ['logs:\n  - type: file\n   path: /a\n', /^3:4 the indentation does not match the lines around it → /],
    ['logs:\n  - type: file\n      path: /a\n', /^2:11 the next line is indented deeper/],
    [` log_level: info\ntags: [a]\n`, '2:1 this text does not belong here → is it indented like the lines around it?'],
    [`${item}log_level:info\n`, '3:1 a space is missing after the colon → write `key: value`'],
    [`log_level:info\n${item}`, '1:1 a space is missing after the colon → write `key: value`'],
    [`${item}log_level:\u00a0info\n`, '3:1 this line has a no-break space (U+00A0) → replace it with a plain space'],
    [`${item}log_level\n`, /^3:1 this is not `key: value` → is the colon missing/],
    [`${item}server:\n  listen:false\n`, /^4:3 `server` must be a mapping .* → is a space missing after the colon\?/],
    ['logs:\n  -type: file\n   path: /a\n', '2:3 a space is missing after the dash → write `- key: value`'],
    ['logs:\n  -type: file\n', '2:3 `logs` must be a list, not a mapping → begin each item with `- `'],
    [`${item}server:\n\u00a0 listen: false\n`, /^4:1 unknown key .* → it contains a no-break space/],
    [
      'logs:\n  - &a {type: file, path: /a}\n  - <<: *a\n    path: /b\n',
      '3:5 merge keys (<<) are not supported → write its keys out here; an alias can only stand for a whole value',
    ],
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
      '3:1 YAML cannot be indented with tabs → use spaces',
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
    expect(await told(bomb.join('\n'))).toContainEqual(expect.stringContaining('expand to too much'))
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
