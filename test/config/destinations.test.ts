import { describe, expect, it } from 'vitest'
import type { Environment } from '../../src/io.ts'
import { configOf, item, key, loading, problemsOf, told } from './loading.ts'

const destination = (keys: string) => `${item}destination: {${keys}}\n`

describe('a datadog destination', () => {
  it.each([
    ['site: datadoghq.eu', 'https://agent-http-intake.logs.datadoghq.eu/api/v2/logs'],
    ['url: "http://127.0.0.1:8080"', 'http://127.0.0.1:8080/api/v2/logs'],
    ['url: "https://proxy.example/dd/"', 'https://proxy.example/dd/api/v2/logs'],
    ['url: "https://proxy.example/api/v2/logs"', 'https://proxy.example/api/v2/logs'],
    ['url: "https://proxy.example/api/v2/logs/?a=1"', 'https://proxy.example/api/v2/logs?a=1'],
    ['url: "unix:///run/x.sock"', 'unix:///run/x.sock:/api/v2/logs'],
    ['url: "unix:///run/x.sock:/dd"', 'unix:///run/x.sock:/dd/api/v2/logs'],
    ['url: "http+unix://%2Frun%2Fx.sock"', 'http+unix://%2Frun%2Fx.sock/api/v2/logs'],
  ])('with %s sends to %s', async (keys, url) => {
    const { destinations } = await configOf(destination(`type: datadog, ${keys}`))
    expect(destinations).toMatchObject([{ url }])
  })

  it('takes its key from the file before the environment', async () => {
    const { destinations } = await configOf(destination('type: datadog, api_key_file: secret/key'))
    expect(destinations).toMatchObject([
      { apiKey: { kind: 'file', path: expect.stringMatching(/^\/.*\/secret\/key$/) } },
    ])
    const [byValue] = (await configOf(destination('type: datadog, api_key: own'))).destinations
    expect(byValue?.type === 'datadog' && byValue.apiKey.kind === 'value' && byValue.apiKey.reveal()).toBe('own')
  })

  it('without a key does not start, and says what to do', async () => {
    const result = await loading(destination('type: datadog'), {})
    expect(result).toMatchObject({
      kind: 'invalid',
      problems: [
        { line: 3, column: 1, scope: 'fatal', message: 'there is no Datadog API key', key: 'destination.api_key' },
      ],
    })
  })

  it.each([
    ['api_key: a, api_key_file: /b', '3:39 `api_key` and `api_key_file` cannot be used together → keep the file'],
    ['api_key: "ENC[x]"', '3:39 `api_key` names a secret backend, which this agent does not support → use a file'],
    ['api_key: "a b"', '3:39 `api_key` contains spaces, control characters or non-ASCII characters'],
    ['site: "https://datadoghq.eu"', '3:36 `site` must be the name of a Datadog site such as datadoghq.eu, not a URL'],
    [
      'site: app.datadoghq.eu',
      '3:36 warning: `site` app.datadoghq.eu is not one of Datadog’s public sites → did you mean `datadoghq.eu`?',
    ],
    ['site: datadoghq.eu, url: "https://h"', '3:36 warning: `site` has no effect when `url` is given'],
    [
      'url: "http://intake.example"',
      '3:35 warning: the API key is sent unencrypted to http://intake.example/api/v2/logs → use https://',
    ],
    ['url: "ftp://h"', '3:35 `url` must begin with https://, http:// or unix://'],
    ['url: h', '3:35 `url` must be a URL such as https://host:port/path'],
    ['url: "https://u:p@h"', '3:35 `url` must not hold a user name or password → give them as a token or a header'],
    ['compression: gzip, compression_level: 10', '3:68 `compression_level` of gzip must be at most 9'],
    ['compression: br', '3:43 `compression` must be zstd, gzip or none, not "br"'],
    ['delivery: {batch_max_size: 1001}', '3:57 `batch_max_size` must be at most 1000, Datadog’s limit for one request'],
    [
      'delivery: {batch_max_bytes: 6MB}',
      '3:58 `batch_max_bytes` must be at most 5000000, Datadog’s limit for one request',
    ],
    [
      'name: ../x',
      '3:36 `name` must be 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit',
    ],
    ['headers: {}', '3:30 unknown key `headers` → `headers` belongs in a `destination:` of type webhook'],
  ])('with %s is told of', async (keys, expected) => {
    expect(await told(destination(`type: datadog, ${keys}`))).toEqual([expected])
  })

  it('may send its key unencrypted to this host', async () => {
    for (const host of ['localhost', '127.0.0.2', '[::1]']) {
      expect(await told(destination(`type: datadog, url: "http://${host}:1"`))).toEqual([])
    }
  })
})

describe('a webhook destination', () => {
  it('takes a URL, headers, a token and certificates', async () => {
    const { destinations } = await configOf(`${item}
destination:
  type: webhook
  url: https://audit.example/events?a=1
  headers: {X-Cluster: a b}
  token_file: /token
  compression: gzip
  compression_level: 6
  dead_letter_max_bytes: 0
  proxy: {https: proxy:3128, no_proxy: "10.0.0.0/8, .svc"}
  tls: {cert_file: /c, key_file: /k, server_name: other.example}
  ca_file: /ca
`)
    expect(destinations).toMatchObject([
      {
        type: 'webhook',
        name: 'webhook',
        url: 'https://audit.example/events?a=1',
        kubeconfig: undefined,
        headers: { 'X-Cluster': 'a b' },
        token: { kind: 'file', path: '/token' },
        compression: 'gzip',
        compressionLevel: 6,
        deadLetterMaxBytes: 0,
        proxy: { https: 'http://proxy:3128', http: undefined, noProxy: ['10.0.0.0/8', '.svc'] },
        tls: { caFile: '/ca', certFile: '/c', keyFile: '/k', serverName: 'other.example', insecureSkipVerify: false },
      },
    ])
  })

  it('takes a kubeconfig, relative to its own file, and compresses nothing', async () => {
    const { destinations } = await configOf(destination('type: webhook, kubeconfig: hook.conf'), {})
    expect(destinations).toMatchObject([
      {
        url: undefined,
        kubeconfig: expect.stringMatching(/^\/.*\/hook\.conf$/),
        token: undefined,
        compression: 'none',
      },
    ])
  })

  it.each([
    ['', '3:1 a webhook needs `url` or `kubeconfig`'],
    ['kubeconfig: /k, url: "https://h"', '3:51 `url` and `kubeconfig` cannot be used together'],
    ['kubeconfig: /k, ca_file: /c', '3:55 `ca_file` and `kubeconfig` cannot be used together'],
    [
      'url: "https://h", token: a, token_file: /t',
      '3:55 `token` and `token_file` cannot be used together → keep the file',
    ],
    [
      'url: "https://h", ca_file: /a, tls: {ca_file: /b}',
      '3:57 `ca_file` and `tls.ca_file` are the same setting: keep one of them',
    ],
    ['url: "https://h", tls: {cert_file: /b}', '3:65 `cert_file` needs a `key_file` as well'],
    ['url: "https://h", tls: {key_file: /b}', '3:64 `key_file` needs a `cert_file` as well'],
    [
      'url: "https://h", ca_file: /a, tls: {insecure_skip_verify: true}',
      '3:89 `insecure_skip_verify` and `ca_file` cannot be used together',
    ],
    [
      'url: "https://h", tls: {insecure_skip_verify: true}',
      '3:76 warning: `insecure_skip_verify` lets anyone on the network path read and change what is sent',
    ],
    [
      'url: "http://h", token_file: /t',
      '3:35 warning: credentials for an http:// url are sent unencrypted, or not at all → use https://',
    ],
    [
      'url: "http://h", headers: {Authorization: x}',
      '3:35 warning: credentials for an http:// url are sent unencrypted, or not at all → use https://',
    ],
    ['url: "https://h", headers: {Content-Type: x}', '3:72 header `Content-Type` is set by the agent itself'],
    ['url: "https://h", headers: {"a b": x}', '3:65 this is not the name of a header'],
    ['url: "https://h", headers: {a: 1}', '3:61 `a` must be a string of printable ASCII characters'],
    [
      'url: "https://h", token: "Bearer x"',
      '3:55 `token` contains spaces, control characters or non-ASCII characters → leave out the word Bearer: it is added',
    ],
    [
      'url: "https://h", token: x, headers: {authorization: y}',
      '3:83 header `authorization` and a token cannot be used together → keep one of the two',
    ],
    ['url: "unix:sink.sock"', '3:35 `url` must name a unix socket by an absolute path, as in unix:///run/sink.sock'],
    [
      'url: "https://h", proxy: {https: "http://u:50%off@p"}',
      '3:63 `https` has a % in its user name or password that encodes nothing → write it as %25',
    ],
    [
      'url: "https://h", proxy: {https: "ftp://p"}',
      '3:63 `https` must be the URL of an http, https or socks5 proxy, such as http://proxy:3128',
    ],
  ])('with %j is told of', async (keys, expected) => {
    expect(await told(destination(`type: webhook, ${keys}`))).toEqual([expected])
  })
})

describe('delivery', () => {
  const delivered = async (text: string, env: Environment = key) =>
    (await configOf(text, env)).destinations.map(({ delivery }) => delivery)

  it('of a destination comes before the common one, that before the environment, that before the default', async () => {
    const [first, second] = await delivered(
      `${item}
delivery: {batch_max_size: 20, batch_max_wait: 250ms, max_attempts: 3}
destinations:
  - {type: datadog, name: a, delivery: {batch_max_size: 10, throttle_enable: false}}
  - {type: webhook, url: "https://h"}
`,
      { ...key, DD_LOGS_CONFIG_BATCH_MAX_SIZE: '30', DD_LOGS_CONFIG_BATCH_MAX_CONTENT_SIZE: '4000' },
    )
    const common = { batchMaxBytes: 4_000, batchMaxWaitMs: 250, maxAttempts: 3, throttleQps: 10 }
    expect(first).toMatchObject({ ...common, batchMaxSize: 10, throttleEnable: false })
    expect(second).toMatchObject({ ...common, batchMaxSize: 20, throttleEnable: true })
  })

  it('of webhooks knows no limits of Datadog', async () => {
    const [delivery] = await delivered(
      `${destination('type: webhook, url: "https://h"')}delivery: {batch_max_size: 5000}`,
    )
    expect(delivery?.batchMaxSize).toBe(5_000)
  })

  it('in a blocking mode is one event a request, in order', async () => {
    const [delivery] = await delivered(`${item}delivery: {mode: blocking-strict}`)
    expect(delivery).toMatchObject({ mode: 'blocking-strict', batchMaxSize: 1, batchMaxWaitMs: 0, maxInFlight: 1 })
    expect(await told(`${item}delivery: {mode: blocking, max_in_flight: 3}`)).toEqual([
      '3:43 warning: `max_in_flight` has no effect in mode blocking, which sends one event per request, in order',
    ])
  })

  it('takes no common setting of batches amiss where one destination alone has a blocking mode', async () => {
    const list =
      '[{type: webhook, name: a, url: "https://h", delivery: {mode: blocking}}, {type: webhook, url: "https://h"}]'
    expect(await told(`${item}destinations: ${list}\ndelivery: {mode: batch, max_in_flight: 3}`)).toEqual([])
    const own = list.replace('{mode: blocking}', '{mode: blocking, batch_max_wait: 1s}')
    expect(await told(`${item}destinations: ${own}\ndelivery: {max_in_flight: 3}`)).toEqual([
      '3:102 warning: `batch_max_wait` has no effect in mode blocking, which sends one event per request, in order',
    ])
  })

  it.each([
    ['batch_max_bytes: 64MiB, max_in_flight: 256', '4:29 warning: 256 batches of 64MiB in flight may take 17247 MB'],
    ['max_in_flight: 256', '4:27 warning: 256 batches of 5MB in flight may take 1285 MB'],
  ])('that may take a lot of memory is warned of: %s', async (keys, expected) => {
    expect(await told(`${destination('type: webhook, url: "https://h"')}delivery: {${keys}}`)).toEqual([
      `${expected} of memory → lower \`batch_max_bytes\` or \`max_in_flight\`, or make sure that there is enough memory`,
    ])
  })

  it('whose dead letter may be too small for one line is warned of', async () => {
    const small = destination('type: webhook, url: "https://h", dead_letter_max_bytes: 20000')
    const warning =
      '3:71 warning: `dead_letter_max_bytes` is less than the 2MiB that one line of `max_line_bytes` may take there: the destination holds when a line does not fit → raise it, or lower `max_line_bytes`'
    expect(await told(small)).toEqual([warning])
    expect(await told(`${small}delivery: {mode: blocking}`)).toEqual([warning])
    expect(await told(small.replace('20000', '2MiB'))).toEqual([])
    expect(await told(small.replace('20000', '0'))).toEqual([])
  })

  it.each([
    ['{initial_backoff: 5m}', '3:29 `max_backoff` (2m) must be at least `initial_backoff` (5m)'],
    ['{initial_backoff: 5s, max_backoff: 1s}', '3:46 `max_backoff` (1s) must be at least `initial_backoff` (5s)'],
    ['{backoff_factor: 0.5}', '3:28 `backoff_factor` must be at least 1'],
    ['{batch_max_size: 0}', '3:28 `batch_max_size` must be at least 1'],
    ['{throttle_burst: 0}', '3:28 `throttle_burst` must be at least 1'],
    ['{throttle_qps: .inf}', '3:26 `throttle_qps` must be a number, not Infinity'],
    ['{request_timeout: 0}', '3:29 `request_timeout` must be between 1ms and 1h'],
    ['{batch_max_wait: 30d}', '3:28 `batch_max_wait` must be between 0s and 1h'],
    ['{batch_max_bytes: 1GB}', '3:29 `batch_max_bytes` must be between 1B and 64MiB'],
    [
      '{mode: bloking}',
      '3:18 `mode` must be batch, blocking or blocking-strict, not "bloking" → did you mean `blocking`?',
    ],
  ])('%s is told of', async (text, expected) => {
    expect(await told(`${item}delivery: ${text}\n`)).toEqual([expected])
  })
})

describe('several destinations', () => {
  it('share what is wrong with the common `delivery:`, which is said once', async () => {
    const two = 'destinations: [{type: datadog, name: a}, {type: datadog, name: b}]'
    expect(await told(`${item}${two}\ndelivery: {initial_backoff: 5m}`)).toEqual([
      '4:29 `max_backoff` (2m) must be at least `initial_backoff` (5m)',
    ])
  })

  it('without names are numbered, with a warning, since positions are kept by name', async () => {
    const result = await loading(`${item}
destinations:
  - {type: datadog}
  - {type: webhook, url: "https://h", name: datadog-2}
  - {type: datadog}
`)
    expect(result).toMatchObject({
      kind: 'loaded',
      config: { destinations: [{ name: 'datadog' }, { name: 'datadog-2' }, { name: 'datadog-3' }] },
      problems: [{ line: 7, column: 12, scope: 'warning', message: expect.stringContaining('is called datadog-3') }],
    })
  })

  it('may not share a name, nor stand beside a single one', async () => {
    expect(
      await told(`${item}destination: {type: datadog, name: a}
destinations:
  - {type: datadog, name: b}
  - {type: datadog, name: a}
`),
    ).toEqual([
      '4:1 `destination` and `destinations` cannot be used together',
      '6:27 `name` a is taken by another destination → positions and dead letters are kept by name, so each needs its own',
    ])
  })

  it('are all checked, whatever is wrong with one', async () => {
    expect(
      await told(`${item}destinations:
  - {type: datdog}
  - {type: datadog, compresion: gzip}
  - {type: webhook}
`),
    ).toHaveLength(3)
  })
})

describe('a file that is named and not there', () => {
  it('is a warning only: it may come later', async () => {
    const { loadConfig } = await import('../../src/config/load.ts')
    const { directoryOf } = await import('./loading.ts')
    const text = `${item}destination: {type: datadog, api_key_file: key}\ncheckpoint: {import: registry.json}\n`
    const directory = directoryOf({ 'conf.yaml': text })
    const result = await loadConfig({ paths: [`${directory}/conf.yaml`], env: {} })
    expect(result).toMatchObject({
      kind: 'loaded',
      problems: [
        {
          line: 3,
          scope: 'warning',
          message: `\`api_key_file\` ${directory}/key does not exist yet: deliveries wait for it`,
        },
        {
          line: 4,
          scope: 'warning',
          message: `\`import\` ${directory}/registry.json does not exist: no positions are taken from it`,
        },
      ],
    })
  })

  it('is no reason for problems where a value was refused', async () => {
    const problems = await problemsOf(destination('type: datadog, api_key_file: [x]'), {})
    expect(problems.map(({ message }) => message)).toEqual(['`api_key_file` must be a string, not a list'])
  })
})
