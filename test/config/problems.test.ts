import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderProblem } from '../../src/config/problem.ts'
import {
  confSchema,
  datadogSchema,
  deliverySchema,
  ruleSchema,
  sourceSchema,
  tlsSchema,
  webhookSchema,
} from '../../src/config/schema.ts'
import { brief, item, key, loading, problemsOf, told } from './loading.ts'

describe('problems', () => {
  it('are all told at once, in the order of the file, each at its own line and column', async () => {
    expect(
      await told(`logs:
  - type: file
    pth: /x
    start_position: begining
    tags: [a: b]
  - path: audit.log
    max_line_bytes: lots
destination:
  type: datadog
  compresion: gzip
  compression_level: 30
  batch_max_size: 1
delivery:
  throttle_qp: 10
  throttle_qps: 0
  throttle_enable: yes
  throttle_burst: 1.5
  batch_max_wait: 5x
  max_in_flight: "4"
server: {listen: ":5555"}
log_level: warning
open_files_limit: [1]
hostname: a b
`),
    ).toEqual([
      '3:5 unknown key `pth` → did you mean `path`?',
      '4:21 `start_position` must be beginning, end, forceBeginning or forceEnd, not "begining" → did you mean `beginning`?',
      '5:11 `tags` must be a list of strings; item 1 is not a string → write `key:value` without a space after the colon, or put it in quotes',
      '6:5 a config must have a type → add `type: file`',
      '6:11 `path` must be absolute: begin with /',
      '7:21 `max_line_bytes` must be a size such as 5MB or 1MiB, or a number of bytes',
      '10:3 unknown key `compresion` → did you mean `compression`?',
      '11:22 `compression_level` must be at most 22',
      '12:3 unknown key `batch_max_size` → `batch_max_size` belongs under `delivery:`',
      '14:3 unknown key `throttle_qp` → did you mean `throttle_qps`?',
      '15:17 `throttle_qps` must be more than 0',
      '16:20 `throttle_enable` must be true or false, not a string → did you mean `true`?',
      '17:19 `throttle_burst` must be a whole number',
      '18:19 `batch_max_wait` must be a duration such as 250ms, 5s, 2m or 1h, or a number of seconds',
      '19:18 `max_in_flight` must be a number, not a string → leave out the quotes',
      '20:18 `listen` must be host:port, or false for none → for example `127.0.0.1:5555`, or `0.0.0.0:5555` to be reached from outside',
      '21:12 `log_level` must be trace, debug, info, warn or error, not "warning" → did you mean `warn`?',
      '22:19 `open_files_limit` must be a number, not a list',
      '23:11 `hostname` must be a host name: at most 255 printable ASCII characters without spaces',
    ])
  })

  it.each([
    [
      'logs_config: {use_compression: true}',
      '3:1 unknown key `logs_config` → its settings belong under `delivery:` and in a `destination:` here',
    ],
    [
      'logs_enabled: true',
      '3:1 unknown key `logs_enabled` → shipping logs is all that this agent does: remove the key, or set DD_LOGS_ENABLED=false',
    ],
  ])('know what a Datadog Agent has at the top level: %s', async (line, expected) => {
    expect(await told(`${item}${line}\n`)).toEqual([expected])
  })

  it('show how the server is turned off', async () => {
    expect(await told(`${item}server: false\n`)).toEqual([
      '3:9 `server` must be a mapping (key: value), not false → write `server: {listen: false}`',
    ])
  })

  it('tell only of its type where an item is of another agent', async () => {
    expect(await told('logs:\n  - {type: tcp, port: 10514}\n  - {type: fil, pth: /a}\n')).toEqual([
      '2:12 type "tcp" is not supported: this agent tails files (type: file)',
      '3:12 type "fil" is not supported: this agent tails files (type: file) → did you mean `file`?',
      '3:17 unknown key `pth` → did you mean `path`?',
    ])
  })

  it.each([
    ['exclude_path: /b', 'did you mean `exclude_paths`?'],
    ['read_from_head: true', '`start_position: beginning`, which is the default, does this'],
    ['db: /x', 'positions are kept in `checkpoint.run_path`'],
  ])('know what a user of Fluent Bit looks for: %s', async (pair, hint) => {
    const [problem] = await problemsOf(`logs:\n  - {type: file, path: /a, ${pair}}\n`)
    expect(problem?.hint).toBe(hint)
  })

  it.each([
    ['logs:\n  - {type: file, path: /a, sourcecategory: []}', '2:44 `sourcecategory` must be a string, not a list'],
    [`${item}delivery: {batch_max_size: 1${'0'.repeat(30)}}`, '3:28 `batch_max_size` must be at most 100000'],
    [`${item}tags: [${'t'.repeat(16_001)}]`, '3:7 `tags` must not be longer than 16000 characters in all'],
    [
      `logs:\n  - {type: file, path: /a, service: ${'s'.repeat(1001)}}`,
      '2:37 `service` must not be longer than 1000 characters',
    ],
  ])('are told once for a value: %s', async (text, expected) => {
    expect(await told(`${text}\n`)).toEqual([expected])
  })

  it.each([
    ['backfill: yes', 'did you mean `true`?'],
    ['backfill: Off', 'did you mean `false`?'],
    ['backfill: "true"', 'write it in lower case and without quotes'],
    ['backfill: perhaps', undefined],
  ])('say how a flag is written: %s', async (pair, hint) => {
    const [problem] = await problemsOf(`logs:\n  - {type: file, path: /a, ${pair}}\n`)
    expect(problem?.hint).toBe(hint)
  })

  it.each([
    ['logs: /a.log\n', '1:7 `logs` must be a list, not a string'],
    ['logs:\n  - /a.log\n', '2:5 `logs[0]` must be a mapping (key: value), not a string'],
  ])('show how a source is written: %s', async (text, expected) => {
    expect(await told(text)).toEqual([`${expected} → write \`- type: file\`, and below it \`path: /…\``])
  })

  it('know a Kubernetes manifest', async () => {
    expect((await told('apiVersion: v1\nkind: ConfigMap\n'))[1]).toMatch(/^1:1 unknown key `apiVersion` → a Kubernetes/)
  })

  it('show how a proxy is written', async () => {
    const text = `${item}destination: {type: datadog, proxy: "http://p:3128"}\n`
    expect(await told(text)).toEqual([
      '3:37 `proxy` must be a mapping (key: value), not a string → write `proxy: {https: "http://proxy:3128"}`',
    ])
  })

  it.each([
    ['api_key: k\nsite: datadoghq.eu', 2],
    ['destination: {type: datadog, apikey: k}', 1],
    ['destinations: []', 1],
    ['logs: [{type: file, path: /a, log_processing_rules: [{type: exclude_at_match, name: n, patern: x}]}]', 1],
    ['logs:\n  - type: file\n    path: *.log', 1],
  ])('are not followed by what they explain: %s', async (text, count) => {
    const logs = text.startsWith('logs') ? '' : item
    expect(await told(`${logs}${text}\n`, logs === '' ? key : {})).toHaveLength(count)
  })

  it.each([
    ['destinaton: {type: webhook, url: "https://h"}', '3:1 unknown key `destinaton` → did you mean `destination`?'],
    [
      'destinatons: [{type: webhook, url: "https://h"}]',
      '3:1 unknown key `destinatons` → did you mean `destinations`?',
    ],
  ])('are not told of what a misspelt key holds: %s', async (line, expected) => {
    expect(await told(`${item}${line}\n`, {})).toEqual([expected])
  })

  it('are not told of items below a misspelt key, but of what no key is near', async () => {
    expect(await told('lgs: [{type: file, path: /a}]\nsrvr: {}\n', {})).toEqual([
      'there is no Datadog API key → set DD_API_KEY in the environment, or `api_key_file:` in the destination',
      '1:1 unknown key `lgs` → did you mean `logs`?',
      '2:1 unknown key `srvr` → did you mean `server`?',
    ])
  })

  it('of an item of logs: leave the other items running and say which item', async () => {
    const result = await loading(`logs:
  - {type: file, path: /a}
  - {type: tcp, port: 1}
  - {type: file, path: b, tag: x}
  - {type: file, path: /c}
`)
    expect(result).toMatchObject({
      kind: 'loaded',
      config: {
        sources: [{ path: '/a' }, { path: '/c' }],
        rejectedSources: [
          { integration: 'conf', path: undefined },
          { integration: 'conf', path: 'b', error: 'unknown key `tag`; `path` must be absolute: begin with /' },
        ],
      },
    })
    expect(result.problems.map(({ scope, sourceIndex, key }) => [scope, sourceIndex, key])).toEqual([
      ['source', 1, 'logs[1].type'],
      ['source', 2, 'logs[2].path'],
      ['source', 2, 'logs[2].tag'],
    ])
  })

  it('are shown with the line, a caret and the hint', async () => {
    const [problem] = await problemsOf(`${item}delivery:\n  throttle_qp: 10\n`)
    expect(problem && renderProblem({ ...problem, file: 'conf.yaml' })).toBe(
      [
        'conf.yaml:4:3: unknown key `throttle_qp`',
        '  4 |   throttle_qp: 10',
        '    |   ^',
        '  hint: did you mean `throttle_qps`?',
      ].join('\n'),
    )
  })

  it.each([
    [
      'before a secret',
      'destination: {type: datdog, api_key: s3cret}',
      ' 3 | destination: {type: datdog, api_key: ********',
      `   | ${' '.repeat(20)}^`,
    ],
    [
      'at a secret',
      'destination: {type: datadog, api_key: [s3cret]}',
      ' 3 | destination: {type: datadog, api_key: ********',
      `   | ${' '.repeat(38)}^`,
    ],
    [
      'behind a secret',
      'destination: {type: datadog, api_key: s3cret, sit: x}',
      ' 3 | destination: {type: datadog, api_key: ********',
      undefined,
    ],
    [
      'behind a masked password',
      'destination: {type: webhook, url: "https://a:b@h", hedders: {}}',
      ' 3 | destination: {type: webhook, url: "https://********@h", hedders: {}}',
      undefined,
    ],
  ])('have a caret only where it points at the place: %s', async (_what, line, ...expected) => {
    const problems = await problemsOf(`${item}${line}\n`)
    const shown = problems.map((problem) =>
      renderProblem(problem)
        .split('\n')
        .slice(1)
        .filter((text) => !text.startsWith('  hint')),
    )
    expect(shown.at(-1)).toEqual(expected.filter((text) => text !== undefined).map((text) => ` ${text}`))
  })

  it.each([
    'destination:\n  type: webhook\n  token:s3cret',
    'destination:\n  type: webhook\n  token=s3cret',
    'destination: {type: webhook, url: https://h, .token: s3cret}',
    'destination: [token: s3cret]',
    'destination: {type: webhook, url: https://h, “token”: s3cret}',
    'destination: {type: webhook, url: https://h, \u200btoken: s3cret}',
    'destination: {type: webhook, url: https://h, token\u200b: s3cret}',
  ])('show no secret of a key that is written wrongly: %s', async (line) => {
    const shown = (await problemsOf(`${item}${line}\n`)).map((problem) => renderProblem(problem))
    expect(shown.length).toBeGreaterThan(0)
    expect(shown.join('\n')).not.toContain('s3cret')
  })

  it('cut long lines around the caret and show no control characters', async () => {
    const [problem] = await problemsOf(`${item}? "${'x'.repeat(500)}"\n: 1\n`)
    expect(problem?.excerpt?.text.length).toBeLessThanOrEqual(120)
    const [other] = await problemsOf(`${item}bad: "a\u001b[31m\u202e"\n`)
    expect(other && renderProblem(other)).not.toMatch(/\p{Cc}(?<!\n)|\p{Cf}/u)
  })

  it.each([
    ['batch-max-size: 1', 'did you mean `batch_max_size`?'],
    ['batchMaxSize: 1', 'did you mean `batch_max_size`?'],
    ['qps: 1', 'did you mean `throttle_qps`?'],
    ['qps:', 'did you mean `throttle_qps`?'],
    ['run_path: /x', '`run_path` belongs under `checkpoint:`'],
    ['headers: {}', '`headers` belongs in a `destination:` of type webhook'],
    ['log_level: info', '`log_level` belongs at the top level'],
    ['expire_aftr: 1d', 'did you mean `expire_after`? It belongs under `checkpoint:`'],
    ['zzzzzzzzzz: 1', undefined],
    ['constructor: 1', undefined],
    ['__proto__: {}', undefined],
    ['log_file: x', undefined],
  ])('suggest for the stray key %j', async (line, hint) => {
    const problems = await problemsOf(`${item}delivery:\n  ${line}\n`)
    expect(problems.map((problem) => [problem.message, problem.hint])).toEqual([
      [`unknown key \`${line.split(':')[0]}\``, hint],
    ])
  })

  it('find any misspelt key at its own place', async () => {
    const keys = ['batch_max_size', 'throttle_qps', 'request_timeout', 'max_backoff']
    const misspelt = fc
      .tuple(fc.constantFrom(...keys), fc.nat(), fc.constantFrom('', 'q', 'zz'))
      .map(([word, at, more]) => {
        const place = at % word.length
        return word.slice(0, place) + more + word.slice(place + 1)
      })
    const stray = misspelt.filter((word) => !keys.includes(word))
    await fc.assert(
      fc.asyncProperty(stray, fc.nat({ max: 5 }), fc.integer({ min: 1, max: 8 }), async (word, before, indent) => {
        const text = `${item}${'\n'.repeat(before)}delivery:\n${' '.repeat(indent)}${word}: 1\n`
        const [problem, ...others] = await problemsOf(text)
        expect(others).toEqual([])
        expect(problem).toMatchObject({ line: 4 + before, column: indent + 1, message: `unknown key \`${word}\`` })
        expect(problem?.hint).toMatch(/^did you mean/)
      }),
      { numRuns: 50 },
    )
  })
})

describe('any configuration', () => {
  const odd = fc.oneof(
    fc.constantFrom(
      '5s',
      '1MiB',
      'https://h:1/x',
      'http://',
      'unix:///x',
      'file',
      'datadog',
      'webhook',
      '/a',
      'h:1',
      '',
    ),
    fc.constantFrom(0, 1, 1e9, -1, 0.5, true, false, null, '__proto__'),
    fc.string(),
  )
  const names = Object.keys({
    ...confSchema.shape,
    ...datadogSchema.shape,
    ...webhookSchema.shape,
    ...sourceSchema.shape,
    ...ruleSchema.shape,
    ...deliverySchema.shape,
    ...tlsSchema.shape,
  })
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, odd, tie('list'), tie('mapping')),
    list: fc.array(tie('tree'), { maxLength: 3 }),
    mapping: fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), tie('tree'), { maxKeys: 6 }),
  }))
  const section = (...types: readonly string[]) =>
    fc.record({ type: fc.constantFrom(...types), path: fc.constantFrom('/a', 'b') }, { requiredKeys: ['type'] })
  const around = fc.record(
    {
      logs: fc.array(fc.tuple(section('file', 'tcp'), tree).map(([known, any]) => Object.assign({}, any, known))),
      destination: fc.tuple(section('datadog', 'webhook'), tree).map(([known, any]) => Object.assign({}, any, known)),
      delivery: tree,
      checkpoint: tree,
      server: tree,
    },
    { requiredKeys: [] },
  )

  it('is loaded, or refused with a reason, and never thrown at', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(tree, around), async (conf) => {
        const { kind, problems } = await loading(JSON.stringify(conf))
        expect(problems.some(({ scope }) => scope === 'fatal')).toBe(kind === 'invalid')
        for (const problem of problems) expect(renderProblem(problem)).toContain(problem.message)
      }),
      { numRuns: 300 },
    )
  })
})

describe('what is missing', () => {
  it('names logs: and the key', async () => {
    expect(await told('log_level: info\n', {})).toEqual([
      'there is nothing to tail: `logs:` has no items',
      'there is no Datadog API key → set DD_API_KEY in the environment, or `api_key_file:` in the destination',
    ])
  })

  it('is not told of what stands in a value that was refused', async () => {
    expect(await told('logs: {}\ndestination: {type: datadog, api_key: 5}\n', {})).toEqual([
      '1:7 `logs` must be a list, not a mapping → begin each item with `- `',
      '2:39 `api_key` must be a string → put it in quotes',
    ])
  })

  it.each([
    ['destination: {site: x}', '3:1 `type` is missing: datadog or webhook'],
    ['destination: {type: datdog}', '3:21 `type` must be datadog or webhook, not "datdog" → did you mean `datadog`?'],
    [
      'destinations: [{type: splunk, token: x, compression: brotli, delivery: {throttle_qp: 1}}, {compression: lz4}]',
      '3:23 `type` must be datadog or webhook, not "splunk"',
      '3:54 `compression` must be zstd, gzip or none, not "brotli"',
      '3:73 unknown key `throttle_qp` → did you mean `throttle_qps`?',
      '3:91 `type` is missing: datadog or webhook',
      '3:105 `compression` must be zstd, gzip or none, not "lz4"',
    ],
    ['destinations: []', '3:15 `destinations` must not be empty'],
    ['destination: datadog', '3:14 `destination` must be a mapping (key: value), not a string'],
  ])('is a sound destination in %j', async (line, ...expected) => {
    expect(await told(`${item}${line}\n`)).toEqual(expected)
  })
})

describe('processing rules', () => {
  it('are refused in the words of the Datadog Agent', async () => {
    const text = `logs:
  - type: file
    path: /a
    log_processing_rules:
      - {type: multi_line, name: ml, pattern: ^x}
      - {type: remap_source, name: rs, pattern: x}
      - {type: exclude_at_match, name: la, pattern: (?=x)}
      - {type: exclude_at_match, pattern: x}
      - {name: nt, pattern: x}
      - {type: include_at_match, name: np}
      - {type: include_at_match, name: ep, pattern: ''}
      - {type: exclude_at_mach, name: ty, pattern: x, placeholder: x}
    auto_multi_line_detection: true
`
    expect((await problemsOf(text)).map(brief)).toEqual([
      '5:16 type multi_line is not supported for processing rule `ml`: an audit log has one event per line',
      '6:16 type remap_source is not supported for processing rule `rs`: use exclude_at_match, include_at_match or mask_sequences',
      '7:53 invalid pattern (?=x) for processing rule: la (error parsing regexp: invalid or unsupported Perl syntax: `(?=`) → RE2 has no lookaround and no backreferences',
      '8:9 all processing rules must have a name',
      '9:9 type must be set for processing rule `nt`',
      '10:9 no pattern provided for processing rule: np',
      '11:53 no pattern provided for processing rule: ep',
      '12:16 type exclude_at_mach is not supported for processing rule `ty` → did you mean `exclude_at_match`?',
      '12:55 unknown key `placeholder` → did you mean `replace_placeholder`?',
      '13:5 `auto_multi_line_detection` is not supported: an audit log has one event per line',
    ])
  })
})

describe('what looks as if something else were meant', () => {
  it.each([
    ['path: ~/a.log', '`path` must be absolute: begin with / → it begins with ~, which is not expanded'],
    [
      `path: "\${DIR}/a.log"`,
      '`path` must be absolute: begin with / → it contains a variable ($…), which is not expanded',
    ],
    [
      'path: /log/$NODE_NAME/a.log',
      'warning: `path` contains a variable ($…), which is not expanded → write the path out',
    ],
    ['path: /log/a$1.log'],
    ['path: “/a.log”', '`path` begins with a quotation mark that YAML does not know → use straight ones: " or \''],
    [
      'path: "/a/*.log, /b/*.log"',
      'warning: `path` takes one path or glob, not several → give each its own item of `logs:`',
    ],
    ['path: "/a/{x,/y}.log"'],
    [
      'path: /a/*.log, exclude_paths: [/a/b.log, "**/c.log", d.log]',
      'warning: `exclude_paths[2]` excludes nothing, as it is not absolute → begin it with / or **/',
    ],
    [
      'path: /a/*.log, exclude_paths: "/a/b.log, c.log"',
      'warning: `exclude_paths[1]` excludes nothing, as it is not absolute → begin it with / or **/',
    ],
  ])('is told of an item: %s', async (keys, ...expected) => {
    const problems = await told(`logs:\n  - {type: file, ${keys}}\n`)
    expect(problems.map((problem) => problem.replace(/^\S+ /, ''))).toEqual(expected)
  })

  it('is told of white space around a path', async () => {
    const text = 'logs:\n  - type: file\n    path: |\n      /a.log\ncheckpoint: {run_path: " /x"}\n'
    const expected = 'begins or ends with white space, which is taken as part of it'
    expect((await problemsOf(text)).map(({ message, scope }) => [message, scope])).toEqual([
      [`\`path\` ${expected}`, 'warning'],
      [`\`run_path\` ${expected}`, 'warning'],
    ])
  })

  it.each([
    [
      'checkpoint: {run_path: ~/run}',
      '3:24 warning: `run_path` begins with ~, which is not expanded → write the path out',
    ],
    [
      `hostname: "\${NODE_NAME}"`,
      '3:11 warning: `hostname` contains a variable ($…), which is not expanded → remove this key: DD_HOSTNAME or NODE_NAME is used by itself',
    ],
    [
      'destination: {type: datadog, api_key: "$DD_API_KEY"}',
      '3:39 warning: `api_key` contains a variable ($…), which is not expanded → remove this key: DD_API_KEY is used by itself',
    ],
  ])('is told of elsewhere: %s', async (line, expected) => {
    expect(await told(`${item}${line}\n`)).toEqual([expected])
  })

  it.each([
    ['x*', true],
    ['^ ?', true],
    ['a|', true],
    ['x+', false],
    ['^$', false],
    ['.*', false],
  ])('is told of the pattern %s: %s', async (pattern, isTold) => {
    const rule = `{type: exclude_at_match, name: r, pattern: '${pattern}'}`
    const text = `logs:\n  - {type: file, path: /a, log_processing_rules: [${rule}]}\n`
    const message = 'the pattern of processing rule r can match an empty text, and so it matches every line'
    expect((await problemsOf(text)).map(({ message, scope }) => [message, scope])).toEqual(
      isTold ? [[message, 'warning']] : [],
    )
  })
})

describe('a glob', () => {
  it.each([
    ['path: "/l/a.{1..3}.log"', '`path` has a range in braces, which is not supported: write it out, as in {1,2,3}'],
    ['path: "/l/[[:digit:]].log"', '`path` has a character class, which is not supported: write a range such as [0-9]'],
    [`path: "/l/${'{a,b}'.repeat(7)}"`, '`path` has more than 6 choices in braces'],
    [
      'path: /l/*.log, exclude_paths: [/l/b.log, "/l/{1..3}"]',
      '`exclude_paths[1]` has a range in braces, which is not supported: write it out, as in {1,2,3}',
    ],
  ])('that would match nothing is told of: %s', async (keys, expected) => {
    const problems = await told(`logs:\n  - {type: file, ${keys}}\n`)
    expect(problems.map((problem) => problem.replace(/^\S+ /, ''))).toEqual([expected])
  })
})
