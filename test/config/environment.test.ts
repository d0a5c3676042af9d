import { describe, expect, it } from 'vitest'
import { brief, configOf, item, key, loading, problemsOf, told } from './loading.ts'

describe('the environment', () => {
  it('is read by the names of the Datadog Agent', async () => {
    const config = await configOf(item, {
      ...key,
      DD_SITE: 'us3.datadoghq.com',
      DD_HOSTNAME: 'dd-host',
      NODE_NAME: 'node',
      DD_TAGS: 'env:prod team:a,b:c',
      DD_LOGS_ENABLED: 'false',
      DD_LOG_LEVEL: 'WARNING',
      DD_LOGS_CONFIG_BATCH_WAIT: '2',
      DD_LOGS_CONFIG_BATCH_MAX_SIZE: '500',
      DD_LOGS_CONFIG_BATCH_MAX_CONTENT_SIZE: '1000000',
      DD_LOGS_CONFIG_COMPRESSION_KIND: 'gzip',
      DD_LOGS_CONFIG_COMPRESSION_LEVEL: '6',
      DD_LOGS_CONFIG_SENDER_BACKOFF_FACTOR: '3',
      DD_LOGS_CONFIG_SENDER_BACKOFF_BASE: '0.5',
      DD_LOGS_CONFIG_SENDER_BACKOFF_MAX: '60',
      DD_LOGS_CONFIG_RUN_PATH: '/run/dd',
      DD_LOGS_CONFIG_OPEN_FILES_LIMIT: '100',
      DD_LOGS_CONFIG_PROCESSING_RULES: '[{"type":"exclude_at_match","name":"n","pattern":"p"}]',
      DD_PROXY_HTTPS: 'http://a:1',
      HTTPS_PROXY: 'http://b:1',
      http_proxy: 'c:1',
      DD_PROXY_NO_PROXY: 'h1 h2,10.0.0.0/8',
    })
    expect(config).toMatchObject({
      hostname: 'dd-host',
      enabled: false,
      logLevel: 'warn',
      openFilesLimit: 100,
      checkpoint: { runPath: '/run/dd' },
      sources: [
        {
          labels: { tags: ['env:prod', 'team:a', 'b:c'] },
          rules: [{ kind: 'exclude_at_match', name: 'n', pattern: 'p' }],
        },
      ],
      destinations: [
        {
          url: 'https://agent-http-intake.logs.us3.datadoghq.com/api/v2/logs',
          compression: 'gzip',
          compressionLevel: 6,
          proxy: { https: 'http://a:1', http: 'http://c:1', noProxy: ['h1', 'h2', '10.0.0.0/8'] },
          delivery: {
            batchMaxWaitMs: 2_000,
            batchMaxSize: 500,
            batchMaxBytes: 1_000_000,
            backoffFactor: 3,
            initialBackoffMs: 500,
            maxBackoffMs: 60_000,
          },
        },
      ],
    })
  })

  it('comes behind the file', async () => {
    const text = `${item}
hostname: file-host
log_level: debug
tags: [a:b]
open_files_limit: 7
checkpoint: {run_path: /run/file}
destination: {type: datadog, site: datadoghq.eu, api_key: file-key, compression: none, proxy: {http: "http://file:1"}}
`
    const config = await configOf(text, {
      DD_HOSTNAME: 'x',
      DD_LOG_LEVEL: 'error',
      DD_TAGS: 'x:y',
      DD_API_KEY: 'x',
      DD_SITE: 'datadoghq.com',
      DD_LOGS_CONFIG_LOGS_DD_URL: 'https://x',
      DD_LOGS_CONFIG_OPEN_FILES_LIMIT: '9',
      DD_LOGS_CONFIG_RUN_PATH: '/x',
      DD_LOGS_CONFIG_COMPRESSION_KIND: 'gzip',
      HTTP_PROXY: 'http://env:1',
      HTTPS_PROXY: 'http://env:2',
    })
    expect(config).toMatchObject({
      hostname: 'file-host',
      logLevel: 'debug',
      openFilesLimit: 7,
      checkpoint: { runPath: '/run/file' },
      sources: [{ labels: { tags: ['a:b'] } }],
      destinations: [
        {
          url: 'https://agent-http-intake.logs.datadoghq.eu/api/v2/logs',
          compression: 'none',
          proxy: { http: 'http://file:1', https: 'http://env:2' },
        },
      ],
    })
  })

  it('runs its rules before those of an item', async () => {
    const text =
      'logs: [{type: file, path: /a, log_processing_rules: [{type: exclude_at_match, name: own, pattern: x}]}]'
    const rules = '[{"type":"mask_sequences","name":"all","pattern":"p","replace_placeholder":"r"}]'
    const { sources } = await configOf(text, { ...key, DD_LOGS_CONFIG_PROCESSING_RULES: rules })
    expect(sources[0]?.rules.map(({ name }) => name)).toEqual(['all', 'own'])
  })

  it.each([
    [{ DD_LOGS_CONFIG_LOGS_DD_URL: 'intake.example:443' }, 'https://intake.example/api/v2/logs'],
    [
      { DD_LOGS_CONFIG_LOGS_DD_URL: 'localhost:8080', DD_LOGS_CONFIG_LOGS_NO_SSL: 'true' },
      'http://localhost:8080/api/v2/logs',
    ],
    [{ DD_LOGS_CONFIG_LOGS_DD_URL: 'https://h:1/x', DD_LOGS_CONFIG_LOGS_NO_SSL: '1' }, 'https://h:1/x/api/v2/logs'],
  ])('sends with %j to %s', async (env, url) => {
    const { destinations } = await configOf(item, { ...key, ...env })
    expect(destinations).toMatchObject([{ url }])
  })

  it.each([
    [{ DD_LOGS_ENABLED: 'T' }, true],
    [{ DD_LOGS_ENABLED: '0' }, false],
    [{ DD_LOGS_ENABLED: '' }, true],
    [{}, true],
  ])('with %j has collection on: %j', async (env, enabled) => {
    expect((await configOf(item, { ...key, ...env })).enabled).toBe(enabled)
  })

  it('names the node before the host, and the host last', async () => {
    expect((await configOf(item, { ...key, NODE_NAME: 'node' })).hostname).toBe('node')
    expect((await configOf(item)).hostname).toBe('host.example')
  })

  it('is told of by the names of its variables, all at once', async () => {
    const result = await loading(item, {
      DD_API_KEY: 'a b',
      DD_LOGS_ENABLED: 'maybe',
      DD_LOG_LEVEL: 'constructor',
      DD_SITE: 'https://x',
      DD_LOGS_CONFIG_BATCH_WAIT: 'soon',
      DD_LOGS_CONFIG_BATCH_MAX_SIZE: '2000',
      DD_LOGS_CONFIG_COMPRESSION_KIND: 'zstdd',
      DD_LOGS_CONFIG_OPEN_FILES_LIMIT: '-1',
      DD_LOGS_CONFIG_RUN_PATH: 'run',
      DD_LOGS_CONFIG_PROCESSING_RULES: '[{"type":"multi_line","name":"m","pattern":"("}]',
      DD_LOGS_CONFIG_SENDER_BACKOFF_BASE: '500',
      TAILSHIP_SOCKET: 'agent.sock',
      https_proxy: 'ftp://x',
    })
    expect(result.kind).toBe('invalid')
    expect(result.problems.every(({ file, line }) => file === 'environment' && line === undefined)).toBe(true)
    expect(result.problems.map(brief).sort()).toEqual([
      'DD_LOGS_CONFIG_BATCH_MAX_SIZE: `batch_max_size` must be at most 1000, Datadog’s limit for one request',
      'DD_LOGS_CONFIG_PROCESSING_RULES[0].type: type multi_line is not supported for processing rule `m`: an audit log has one event per line',
      'DD_LOGS_CONFIG_RUN_PATH: the run path must be absolute: begin with /',
      'DD_LOGS_CONFIG_SENDER_BACKOFF_BASE: `max_backoff` (2m) must be at least `initial_backoff` (500s)',
      'TAILSHIP_SOCKET: the socket must be absolute: begin with /',
      '`DD_API_KEY` contains spaces, control characters or non-ASCII characters',
      '`DD_LOGS_CONFIG_BATCH_WAIT` must be a duration such as 250ms, 5s, 2m or 1h, or a number of seconds',
      '`DD_LOGS_CONFIG_COMPRESSION_KIND` must be zstd, gzip or none, not "zstdd" → did you mean `zstd`?',
      '`DD_LOGS_CONFIG_OPEN_FILES_LIMIT` must be at least 1',
      '`DD_LOGS_ENABLED` must be true or false, not a string',
      '`DD_LOG_LEVEL` must be trace, debug, info, warn or error, not "constructor"',
      '`DD_SITE` must be the name of a Datadog site such as datadoghq.eu, not a URL',
      '`https_proxy` must be the URL of an http, https or socks5 proxy, such as http://proxy:3128',
    ])
  })

  it('has its patterns compiled', async () => {
    const rules = '[{"type":"exclude_at_match","name":"n","pattern":"("}]'
    expect((await told(item, { ...key, DD_LOGS_CONFIG_PROCESSING_RULES: rules }))[0]).toMatch(
      /^DD_LOGS_CONFIG_PROCESSING_RULES\[0\]\.pattern: invalid pattern \( for processing rule: n/,
    )
  })

  it('is told of rules that are not JSON', async () => {
    expect(await told(item, { ...key, DD_LOGS_CONFIG_PROCESSING_RULES: '[{type: x' })).toEqual([
      '`DD_LOGS_CONFIG_PROCESSING_RULES` is not JSON → write a list of rules, as in [{"type": "exclude_at_match", "name": "a", "pattern": "b"}]',
    ])
  })

  it('is warned of a site that Datadog does not have', async () => {
    const problems = await problemsOf(item, { ...key, DD_SITE: 'app.datadoghq.eu' })
    expect(problems).toMatchObject([{ file: 'environment', key: 'DD_SITE', scope: 'warning' }])
    expect(problems.map(brief)).toEqual([
      'warning: `DD_SITE` app.datadoghq.eu is not one of Datadog’s public sites → did you mean `datadoghq.eu`?',
    ])
  })

  it('is warned about where it has no effect here', async () => {
    const problems = await problemsOf(item, { ...key, DD_LOGS_CONFIG_BATCH_MAXSIZE: '1', DD_LOGS_CONFIG_USE_HTTP: '1' })
    expect(problems.map(({ scope }) => scope)).toEqual(['warning', 'warning'])
    expect(problems[0]).toMatchObject({
      message: 'DD_LOGS_CONFIG_BATCH_MAXSIZE has no effect on this agent',
      hint: 'did you mean `DD_LOGS_CONFIG_BATCH_MAX_SIZE`?',
    })
  })

  it.each([
    ['DD_LOGS_CONFIG_API_KEY', 'did you mean `DD_API_KEY`?'],
    ['DD_LOGS_CONFIG_USE_COMPRESSION', 'set `destination.compression` in conf.yaml'],
    ['DD_SKIP_SSL_VALIDATION', 'set `destination.tls.insecure_skip_verify` in conf.yaml'],
  ])('says of %s what has its effect here, and not its value', async (name, hint) => {
    const problems = await problemsOf(item, { ...key, [name]: 's3cr3t' })
    expect(problems).toMatchObject([{ message: `${name} has no effect on this agent`, hint, scope: 'warning' }])
    expect(JSON.stringify(problems)).not.toContain('s3cr3t')
  })
})
