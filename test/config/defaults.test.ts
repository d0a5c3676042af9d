import { describe, expect, it } from 'vitest'
import { compileGlobs } from '../../src/tail/names/glob.ts'
import { configOf, item, key } from './loading.ts'

describe('a file that holds only logs:', () => {
  it('ships to Datadog with the key of the environment, and the defaults', async () => {
    const { files, destinations, ...config } = await configOf(item)
    expect(files).toHaveLength(1)
    expect(config).toStrictEqual({
      sources: [
        {
          integration: 'conf',
          path: '/var/log/audit.log',
          excludePaths: [],
          encoding: 'utf-8',
          startPosition: 'beginning',
          backfill: false,
          maxLineBytes: 1_048_576,
          labels: { service: undefined, source: undefined, tags: [] },
          rules: [],
        },
      ],
      rejectedSources: [],
      checkpoint: { runPath: '/var/lib/tailship', importPath: undefined, expireAfterMs: 2_592_000_000 },
      server: { listen: { host: '127.0.0.1', port: 5555 }, sockets: [] },
      logLevel: 'info',
      hostname: 'host.example',
      enabled: true,
      openFilesLimit: 500,
    })
    expect(destinations).toStrictEqual([
      {
        type: 'datadog',
        name: 'datadog',
        url: 'https://agent-http-intake.logs.datadoghq.com/api/v2/logs',
        apiKey: { kind: 'value', reveal: expect.any(Function) },
        messageFormat: 'line',
        compression: 'zstd',
        compressionLevel: 1,
        deadLetterMaxBytes: 2 ** 30,
        proxy: { https: undefined, http: undefined, noProxy: [] },
        tls: {
          caFile: undefined,
          certFile: undefined,
          keyFile: undefined,
          serverName: undefined,
          insecureSkipVerify: false,
        },
        delivery: {
          mode: 'batch',
          batchMaxSize: 1_000,
          batchMaxBytes: 5_000_000,
          batchMaxWaitMs: 5_000,
          throttleEnable: true,
          throttleQps: 10,
          throttleBurst: 15,
          maxInFlight: 4,
          initialBackoffMs: 1_000,
          backoffFactor: 2,
          maxBackoffMs: 120_000,
          maxAttempts: undefined,
          requestTimeoutMs: 30_000,
        },
      },
    ])
  })
})

describe('sources', () => {
  it('take every key of an item', async () => {
    const { sources } = await configOf(`
tags: env:prod, site:a
init_config: {service: fallback}
instances: [{}]
logs:
  - type: file
    path: /var/log/*.log
    exclude_paths: /var/log/a.log, /var/log/b.log
    encoding: utf-16-le
    start_position: forceEnd
    backfill: true
    max_line_bytes: 2MiB
    source: kubernetes.audit
    sourcecategory: audit
    tags: [cluster:prod, env:prod]
    log_processing_rules:
      - {type: exclude_at_match, name: a, pattern: x}
      - {type: mask_sequences, name: b, pattern: y, replace_placeholder: z}
      - {type: mask_sequences, name: c, pattern: y}
  - {type: file, path: /b, service: own, exclude_paths: [/c], encoding: ''}
`)
    expect(sources).toMatchObject([
      {
        path: '/var/log/*.log',
        excludePaths: ['/var/log/a.log', '/var/log/b.log'],
        encoding: 'utf-16-le',
        startPosition: 'forceEnd',
        backfill: true,
        maxLineBytes: 2_097_152,
        labels: {
          service: 'fallback',
          source: 'kubernetes.audit',
          tags: ['env:prod', 'site:a', 'cluster:prod', 'sourcecategory:audit'],
        },
        rules: [
          { kind: 'exclude_at_match', name: 'a', pattern: 'x' },
          { kind: 'mask_sequences', name: 'b', pattern: 'y', placeholder: 'z' },
          { kind: 'mask_sequences', name: 'c', pattern: 'y', placeholder: '' },
        ],
      },
      { labels: { service: 'own' }, excludePaths: ['/c'], encoding: 'utf-8' },
    ])
  })

  const own = '/data/[a]/run/{registry.json*,agent.lock*,dead-letter/**}'
  it.each([
    ['/**', [own]],
    ['/data/*/run/*.json', [own]],
    ['/data/../data/[[]a]/r?n/x', [own]],
    ['/data/[a]/run/registry.json', [own]],
    ['/data/running.log', []],
    ['/data/b/*.log', []],
  ])('leave out what the agent writes to its run path: %s', async (path, expected) => {
    const text = `logs:\n  - {type: file, path: "${path}"}\ncheckpoint: {run_path: "/data/[a]/run"}\n`
    const { sources } = await configOf(text)
    expect(sources[0]?.excludePaths.map((glob) => glob.replaceAll('\\', ''))).toEqual(expected)
    const isExcluded = compileGlobs(sources[0]?.excludePaths ?? [])
    const files = ['dead-letter/x/1.ndjson', 'registry.json', 'registry.json.prev', 'agent.lock.holder']
    expect(files.map((file) => isExcluded(`/data/[a]/run/${file}`))).toEqual(files.map(() => expected.length > 0))
    expect(['/data/[a]/run/a.log', '/data/a/run/registry.json'].filter(isExcluded)).toEqual([])
  })

  it('treat a key with nothing behind it as absent', async () => {
    const { sources } = await configOf('logs:\n  - type: file\n    path: /a\n    tags:\n    service:\ndelivery:\n')
    expect(sources[0]?.labels).toEqual({ service: undefined, source: undefined, tags: [] })
  })

  it('follow aliases', async () => {
    const { sources } = await configOf(
      'logs:\n  - {type: file, path: /a, tags: &tags [a:b]}\n  - {type: file, path: /b, tags: *tags}\n',
    )
    expect(sources.map(({ labels }) => labels.tags)).toEqual([['a:b'], ['a:b']])
  })
})

describe('the other sections', () => {
  it('take every key', async () => {
    const config = await configOf(`${item}
checkpoint: {run_path: /run/t, import: /run/registry.json, expire_after: 1d}
server: {listen: '[::1]:9'}
log_level: debug
hostname: node-1
open_files_limit: 20
`)
    expect(config).toMatchObject({
      checkpoint: { runPath: '/run/t', importPath: '/run/registry.json', expireAfterMs: 86_400_000 },
      server: { listen: { host: '::1', port: 9 } },
      logLevel: 'debug',
      hostname: 'node-1',
      openFilesLimit: 20,
    })
  })

  it('serve the socket that probes are told of by the environment besides the configured one', async () => {
    const { server } = await configOf(`${item}server: {socket: /run/a.sock}`, {
      ...key,
      TAILSHIP_SOCKET: '/run/b.sock',
    })
    expect(server.sockets).toEqual(['/run/a.sock', '/run/b.sock'])
  })

  it.each(['false', '""'])('listen only on the unix socket for server.listen: %s', async (value) => {
    const { server } = await configOf(`${item}server: {listen: ${value}}`)
    expect(server).toEqual({ listen: undefined, sockets: [] })
  })
})
