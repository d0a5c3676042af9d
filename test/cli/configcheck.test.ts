import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configcheck } from '../../src/cli/configcheck.ts'
import type { Output } from '../../src/io.ts'
import { directoryOf, item, key } from '../config/loading.ts'
import { fixturePath, fixtureText } from '../support/tls-fixtures.ts'

function output(): Output & { text: string } {
  return {
    text: '',
    closed: false,
    terminal: undefined,
    color: false,
    write(text) {
      this.text += text
    },
  }
}

async function checked(text: string, more: Readonly<Record<string, string>> = {}, format?: 'text' | 'json') {
  const directory = directoryOf({ 'conf.yaml': text, ...more })
  const file = join(directory, 'conf.yaml')
  const named = (text: string) => text.replaceAll(file, 'conf.yaml').replaceAll(directory, 'DIR')
  const [stdout, stderr] = [output(), output()]
  const code = await configcheck([file], { env: { ...key, NODE_NAME: 'node-1' }, stdout, stderr }, format)
  return { code, stdout: named(stdout.text), stderr: named(stderr.text) }
}

const rich = `${item}destinations:
  - {type: datadog, api_key: s3cret, name: dd}
  - {type: webhook, url: "https://h/x?key=s3cret", headers: {A: s3cret}, token: s3cret, compression: gzip, delivery: {mode: blocking, throttle_enable: false, max_attempts: 9}}
server: {listen: false}
`

describe('configcheck', () => {
  it('shows what would run, without secrets', async () => {
    expect(await checked(rich)).toEqual({
      code: 0,
      stderr: '',
      stdout: `OK conf.yaml

INTEGRATION  PATH                START      SERVICE  SOURCE  MAX LINE  RULES
conf         /var/log/audit.log  beginning  -        -       1MiB      0

DESTINATION  TYPE     COMPRESSION  BATCH        THROTTLE                    RETRY                    TO
dd           datadog  zstd 1       1000/5MB/5s  10/s burst 15, 4 in flight  1s ×2 up to 2m           https://agent-http-intake.logs.datadoghq.com/api/v2/logs
webhook      webhook  gzip 1       blocking     off, 1 in flight            1s ×2 up to 2m, 9 tries  https://h/x?…

run path /var/lib/tailship, server off, at most 500 open files
hostname node-1, log level info
`,
    })
  })

  it('names every problem with its place and fails', async () => {
    expect(await checked('logs:\n  - {type: file, pth: /x}\nserver: 1\n')).toEqual({
      code: 78,
      stdout: '',
      stderr: `conf.yaml:2:18: unknown key \`pth\`
  2 |   - {type: file, pth: /x}
    |                  ^
  hint: did you mean \`path\`?
conf.yaml:3:9: \`server\` must be a mapping (key: value), not a number
  3 | server: 1
    |         ^
FAIL 2 problems: the agent would not start
`,
    })
  })

  it('shows an address of IPv6 as it is written', async () => {
    expect((await checked(`${item}server: {listen: "[::1]:5555"}\n`)).stdout).toContain('server [::1]:5555, ')
  })

  it('fails for one bad item of logs:, too', async () => {
    const { code, stderr } = await checked(`${item}  - {type: tcp}\n  - {type: file, path: a, b: c}\n`)
    expect(code).toBe(78)
    expect(stderr).toMatch(/^FAIL 3 problems: the agent would start without 2 items of `logs:`$/m)
  })

  it('shows warnings and succeeds', async () => {
    const { code, stdout, stderr } = await checked(`${item}destination: {type: datadog, api_key_file: /nowhere/key}\n`)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^OK conf\.yaml, 1 warning\n/)
    expect(stderr).toMatch(/^conf\.yaml:3:44: warning: `api_key_file` \/nowhere\/key does not exist/)
  })

  it('says once what is wrong with a kubeconfig of two destinations', async () => {
    const two = '[{type: webhook, name: a, kubeconfig: kc}, {type: webhook, name: b, kubeconfig: kc}]'
    const { code, stderr } = await checked(`${item}destinations: ${two}\n`, { kc: 'a: [' })
    expect([code, stderr.match(/\/kc:/g)]).toEqual([78, ['/kc:']])
  })

  it('does not wait for who may write to a named pipe', async () => {
    const pipe = join(directoryOf({}), 'pipe')
    execFileSync('mkfifo', [pipe])
    const { code, stderr } = await checked(`${item}destination: {type: datadog, api_key_file: ${pipe}}\n`)
    expect([code, stderr.split('\n')[0]]).toEqual([
      0,
      `conf.yaml:3:44: warning: \`api_key_file\` ${pipe} cannot be read (it is a named pipe)`,
    ])
    const imported = await checked(`${item}checkpoint: {import: ${pipe}}\n`)
    expect([imported.code, imported.stderr]).toEqual([0, expect.stringContaining(`${pipe}: warning: no position`)])
  })

  it('looks into the kubeconfig of a webhook, quoting nothing of it', async () => {
    const { code, stdout, stderr } = await checked(`${item}destination: {type: webhook, kubeconfig: kc}\n`, {
      kc: 'current-context: a\nusers: [{name: u, user: {token: s3cret, token: x}}]\n',
    })
    expect([code, stdout]).toEqual([78, ''])
    expect(stderr).toMatch(
      /\/kc:2:41: duplicate key `token`\n {2}hint: keep one of them\nFAIL 1 problem: the agent would start, and deliver nothing where the kubeconfig is wrong\n$/,
    )
    expect(stderr).not.toContain('s3cret')
  })

  it('warns of what is not used of a kubeconfig, and succeeds', async () => {
    const { code, stderr } = await checked(`${item}destination: {type: webhook, kubeconfig: kc}\n`, {
      kc: `current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "http://sink"}}]
users: [{name: u, user: {token: s3cret}}]
`,
    })
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/\/kc:4:26: warning: `token` is not used[^\n]*\n.*https:\/\/\n$/),
    ])
  })

  it.each([
    ['type: datadog, api_key_file: k', { k: ' \n' }, '44', '`api_key_file` DIR/k is empty'],
    ['type: datadog, api_key_file: .', {}, '44', '`api_key_file` DIR cannot be read (EISDIR)'],
    [
      'type: webhook, url: "https://h", token_file: k',
      { k: 'a b' },
      '60',
      '`token_file` DIR/k is not one word of printable ASCII characters',
    ],
    [
      'type: webhook, url: "https://h", ca_file: k',
      { k: 'nothing of that' },
      '57',
      '`ca_file` DIR/k contains no PEM block',
    ],
  ])('warns at its key of what cannot be used for a destination that has %s', async (keys, files, column, expected) => {
    const { code, stderr } = await checked(`${item}destination: {${keys}}\n`, files)
    const [line = '', , , hint] = stderr.split('\n')
    expect([code, line]).toEqual([0, `conf.yaml:3:${column}: warning: ${expected}`])
    expect(hint).toMatch(/^ {2}hint: /)
  })

  it('names the key of a kubeconfig that cannot be read, and fails', async () => {
    const { code, stderr } = await checked(`${item}destination: {type: webhook, kubeconfig: .}\n`)
    expect([code, stderr.split('\n')[0]]).toEqual([78, 'conf.yaml:3:42: `kubeconfig` DIR cannot be read (EISDIR)'])
  })

  it('warns of every file of a destination that cannot be used', async () => {
    const { stderr } = await checked(
      `${item}destination:
  type: webhook
  url: https://h
  token_file: bad
  tls:
    ca_file: bad
    cert_file: bad
    key_file: bad
`,
      { bad: 'no proof' },
    )
    expect(stderr.match(/^conf.*/gm)?.map((line) => line.replace(/\/\S+(?=\/bad)/, 'DIR'))).toEqual([
      'conf.yaml:6:15: warning: `token_file` DIR/bad is not one word of printable ASCII characters',
      'conf.yaml:8:14: warning: `tls.ca_file` DIR/bad contains no PEM block',
      'conf.yaml:9:16: warning: `tls.cert_file` DIR/bad contains no PEM block',
      'conf.yaml:10:15: warning: `tls.key_file` DIR/bad contains no PEM block',
    ])
  })

  it('warns of a certificate that does not belong to its key', async () => {
    const key = fixturePath('client-b.key')
    const tls = `{cert_file: ${fixturePath('client-a.pem')}, key_file: ${key}}`
    const { code, stderr } = await checked(`${item}destination: {type: webhook, url: "https://h", tls: ${tls}}\n`)
    expect([code, stderr.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(
        /^conf\.yaml:3:\d+: warning: `tls\.key_file` \/\S+\/client-b\.key does not belong to `tls\.cert_file`$/,
      ),
    ])
  })

  it('warns of a certificate that expired, and succeeds', async () => {
    const tls = `{cert_file: ${fixturePath('expired.pem')}, key_file: ${fixturePath('expired.key')}}`
    const { code, stderr } = await checked(`${item}destination: {type: webhook, url: "https://h", tls: ${tls}}\n`)
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(
        /^conf\.yaml:3:65: warning: `tls\.cert_file` \S+expired\.pem expired at 2021-01-01T00:00:00/,
      ),
    ])
  })

  it('warns of what a kubeconfig names and is not there', async () => {
    const { code, stderr } = await checked(`${item}destination: {type: webhook, kubeconfig: kc}\n`, {
      kc: `current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://sink", certificate-authority: ca.pem}}]
users:
  - name: u
    user: {tokenFile: /nowhere/token, client-certificate: /nowhere/c.pem, client-key: /nowhere/c.key}
`,
    })
    const wait = 'does not exist yet: deliveries wait for it'
    expect([code, stderr.split('\n')]).toEqual([
      0,
      [
        `DIR/kc:3:56: warning: \`certificate-authority\` DIR/ca.pem ${wait}`,
        `DIR/kc:6:12: warning: \`tokenFile\` /nowhere/token ${wait}`,
        `DIR/kc:6:39: warning: \`client-certificate\` /nowhere/c.pem ${wait}`,
        `DIR/kc:6:75: warning: \`client-key\` /nowhere/c.key ${wait}`,
        '',
      ],
    ])
  })

  it('quotes nothing of a kubeconfig whose inline certificate and key do not match', async () => {
    const [cert, key] = ['client-a.pem', 'client-b.key'].map((name) =>
      Buffer.from(fixtureText(name)).toString('base64'),
    )
    const { code, stderr } = await checked(`${item}destination: {type: webhook, kubeconfig: kc}\n`, {
      kc: `clusters: [{name: "", cluster: {server: "https://sink"}}]
users: [{name: "", user: {client-certificate-data: ${cert}, client-key-data: ${key}}}]
`,
    })
    expect([code, stderr.replace(/kc:2:\d+:/, 'kc:2:COLUMN:').split('\n')]).toEqual([
      0,
      [
        'DIR/kc:2:COLUMN: warning: `client-key-data` does not belong to `client-certificate-data`',
        '  hint: give the key that the certificate was made with',
        '',
      ],
    ])
  })

  it('warns of directories that are missing, at the paths that name them', async () => {
    const { code, stderr } = await checked(`logs:
  - {type: file, path: /var/log/audit.log}
  - {type: file, path: /nowhere/of/a.log}
  - type: file
    path: "/nowhere/*/a.log"
`)
    expect([code, stderr.split('\n').filter((line) => line.startsWith('conf'))]).toEqual([
      0,
      [
        'conf.yaml:3:24: warning: `path`: the directory /nowhere/of does not exist; the nearest existing parent is /',
        'conf.yaml:5:11: warning: `path`: the directory /nowhere does not exist; the nearest existing parent is /',
      ],
    ])
    expect(stderr).toContain('  hint: in a pod, is it mounted there?\n')
  })

  it('warns of a log that is a directory', async () => {
    const { code, stderr } = await checked('logs:\n  - {type: file, path: /tmp}\n')
    expect([code, stderr.split('\n')[0]]).toEqual([0, 'conf.yaml:2:24: warning: `path`: /tmp is a directory'])
    expect(stderr).toContain('  hint: name files in it: /tmp/*.log\n')
  })

  it.each([
    ['a file', 'DIR/conf.yaml', 'DIR/conf.yaml is not a directory'],
    ['below a file', 'DIR/conf.yaml/run', 'DIR/conf.yaml is not a directory'],
    ['where the kernel makes the directories', '/proc/tailship/run', 'no directory can be made in /proc'],
  ])('warns of a run path that is %s', async (_what, runPath, expected) => {
    const directory = directoryOf({})
    const path = runPath.replace('DIR', directory)
    const file = join(directory, 'conf.yaml')
    writeFileSync(file, `${item}checkpoint: {run_path: ${path}}\n`)
    const [stdout, stderr] = [output(), output()]
    expect(await configcheck([file], { env: key, stdout, stderr })).toBe(0)
    const message = `\`run_path\`: ${expected.replace('DIR', directory)}: positions would not be kept`
    expect(stderr.text).toContain(`${file}:3:24: warning: ${message}\n`)
    expect(stderr.text).toContain('\n  hint: mount a directory')
  })

  it('warns of a run path that no file names', async () => {
    const directory = directoryOf({ 'conf.yaml': item })
    const [stdout, stderr] = [output(), output()]
    const env = { ...key, DD_LOGS_CONFIG_RUN_PATH: '/proc/run' }
    expect(await configcheck([join(directory, 'conf.yaml')], { env, stdout, stderr })).toBe(0)
    expect(stderr.text).toContain('/proc/run: warning: the run path: no directory can be made in /proc: positions')
  })

  it('warns of a run path that is too long for a socket in it', async () => {
    const { stderr } = await checked(`${item}checkpoint: {run_path: /tmp/${'r'.repeat(100)}}\n`)
    expect(stderr).toMatch(/^conf\.yaml:3:24: warning: `run_path`: \S+ is 116 bytes long, .*: choose a shorter one: /)
  })

  it('warns of a log that is a file of the agent', async () => {
    const { stderr } = await checked(
      'logs:\n  - {type: file, path: /tmp/x/../run/registry.json}\ncheckpoint: {run_path: /tmp/run}\n',
    )
    expect(stderr).toMatch(
      /^conf\.yaml:2:24: warning: `path`: this is a file of the agent itself, in its run path, and is not read\n/,
    )
  })

  it('warns of what the present user may not enter, read or write to', () => {
    const directory = directoryOf({ 'closed/a.log': '', 'a.log': '', 'run/agent.lock': '' })
    chmodSync(directory, 0o755)
    const file = join(directory, 'conf.yaml')
    writeFileSync(
      file,
      `logs:
  - {type: file, path: ${directory}/closed/a.log}
  - {type: file, path: ${directory}/closed/*.log}
  - {type: file, path: ${directory}/a.log}
destination: {type: webhook, url: "https://h"}
checkpoint: {run_path: ${directory}/run}
`,
    )
    for (const name of ['closed', 'a.log', 'run']) chmodSync(join(directory, name), 0)
    const script = new URL('./check-as-nobody.ts', import.meta.url).pathname
    const { status, stderr } = spawnSync(process.execPath, [script, file], { encoding: 'utf8' })
    for (const name of ['closed', 'run']) chmodSync(join(directory, name), 0o700)
    const [closed, log, run] = ['closed', 'a.log', 'run'].map((name) => join(directory, name))
    expect([status, stderr.split('\n').filter((line) => line.includes(': warning: '))]).toEqual([
      0,
      [
        `${file}:2:24: warning: \`path\`: the directory ${closed} cannot be entered and listed (EACCES)`,
        `${file}:3:24: warning: \`path\`: the directory ${closed} cannot be entered and listed (EACCES)`,
        `${file}:4:24: warning: \`path\`: ${log} cannot be read (EACCES)`,
        `${file}:6:24: warning: \`run_path\`: ${run} cannot be written to (EACCES): positions would not be kept`,
      ],
    ])
  })

  it.each([
    ['garbage', 'no position can be taken from it: it is not a JSON object'],
    ['{"Version": 1}', 'no position can be taken from it: its version is 1, not 2'],
    [
      '{"Version": 2, "Registry": {"file:/a": {"Offset": "1"}, "file:/b": {"Offset": "-"}}}',
      '1 of its entries cannot be understood: those files are read as at a first start',
    ],
  ])('warns of a registry to import that is %s', async (registry, expected) => {
    const { code, stderr } = await checked(`${item}checkpoint: {import: r.json}\n`, { 'r.json': registry })
    expect([code, stderr.split('\n')[0]]).toEqual([0, expect.stringMatching(/\/r\.json: warning: /)])
    expect(stderr).toContain(expected)
  })

  it('prints one JSON document for both', async () => {
    const good = await checked(rich, {}, 'json')
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(good.stdout).not.toContain('s3cret')
    expect(JSON.parse(good.stdout)).toMatchObject({
      schema: 'tailship.configcheck/v1',
      ok: true,
      problems: [],
      plan: { sources: [{ path: '/var/log/audit.log' }], destinations: [{ name: 'dd' }, { name: 'webhook' }] },
    })
    expect(JSON.parse(good.stdout).plan.destinations[1]).toEqual({
      name: 'webhook',
      type: 'webhook',
      to: 'https://h/x?…',
      compression: 'gzip',
      compressionLevel: 1,
      deadLetterMaxBytes: 2 ** 30,
      delivery: {
        ...{ mode: 'blocking', batchMaxSize: 1, batchMaxBytes: 5_000_000, batchMaxWaitMs: 0 },
        ...{ throttleEnable: false, throttleQps: 10, throttleBurst: 15, maxInFlight: 1 },
        ...{
          initialBackoffMs: 1000,
          backoffFactor: 2,
          maxBackoffMs: 120_000,
          maxAttempts: 9,
          requestTimeoutMs: 30_000,
        },
      },
    })
    const bad = await checked('servr: 1\n', {}, 'json')
    expect(bad).toMatchObject({ code: 78, stderr: '' })
    const report = JSON.parse(bad.stdout)
    expect(report).toMatchObject({ ok: false, problems: [{}, { line: 1, column: 1, key: 'servr', scope: 'fatal' }] })
    expect(report).not.toHaveProperty('plan')
  })
})
