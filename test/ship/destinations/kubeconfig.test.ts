import { describe, expect, it } from 'vitest'
import { problemSentence } from '../../../src/config/problem.ts'
import { parseKubeconfig } from '../../../src/ship/destinations/kubeconfig.ts'
import { fixtureText } from '../../support/tls-fixtures.ts'

const PATH = '/etc/tailship/webhook.kubeconfig'
const base64 = (name: string) => Buffer.from(fixtureText(name)).toString('base64')

/** The lines of one cluster and one user, chosen by the current context. */
function kubeconfig(cluster: readonly string[], user: readonly string[] = []): string {
  return [
    'apiVersion: v1',
    'kind: Config',
    'current-context: main',
    'contexts:',
    '- name: main',
    '  context: {cluster: sink, user: agent}',
    'clusters:',
    '- name: sink',
    '  cluster:',
    ...cluster.map((line) => `    ${line}`),
    'users:',
    '- name: agent',
    ...(user.length === 0 ? ['  user: {}'] : ['  user:', ...user.map((line) => `    ${line}`)]),
  ].join('\n')
}

function endpointOf(text: string) {
  const parsed = parseKubeconfig(text, PATH)
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.map(problemSentence).join('\n'))
  return parsed.endpoint
}

function problemsOf(text: string): readonly string[] {
  const parsed = parseKubeconfig(text, PATH)
  return parsed.kind === 'invalid' ? parsed.problems.map(problemSentence) : []
}

const SERVER = 'server: https://sink.example:8443/audit'

describe('a kubeconfig', () => {
  it('names server, authority, certificate, key, server name and proxy', () => {
    const cluster = [
      SERVER,
      'certificate-authority: ca.pem',
      'tls-server-name: sink.internal',
      'proxy-url: socks5://proxy:1080',
    ]
    const user = ['client-certificate: pki/client.pem', 'client-key: /etc/pki/client.key']
    expect(parseKubeconfig(kubeconfig(cluster, user), PATH)).toEqual({
      kind: 'endpoint',
      warnings: [],
      endpoint: {
        server: 'https://sink.example:8443/audit',
        proxy: 'socks5://proxy:1080',
        credential: { kind: 'none' },
        tls: {
          ca: { kind: 'file', path: '/etc/tailship/ca.pem' },
          cert: { kind: 'file', path: '/etc/tailship/pki/client.pem' },
          key: { kind: 'file', path: '/etc/pki/client.key' },
          serverName: 'sink.internal',
          insecureSkipVerify: false,
        },
      },
    })
  })

  it('carries certificates as data', () => {
    const cluster = [SERVER, `certificate-authority-data: ${base64('ca.pem')}`]
    const user = [`client-certificate-data: ${base64('client-a.pem')}`, `client-key-data: ${base64('client-a.key')}`]
    expect(endpointOf(kubeconfig(cluster, user)).tls).toMatchObject({
      ca: { kind: 'inline', pem: fixtureText('ca.pem') },
      cert: { kind: 'inline', pem: fixtureText('client-a.pem') },
      key: { kind: 'inline', pem: fixtureText('client-a.key') },
    })
  })

  it('may be JSON, and may skip verification', () => {
    const value = {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      clusters: [{ name: 'k', cluster: { server: 'https://sink', 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 'abc' } }],
    }
    expect(endpointOf(JSON.stringify(value))).toMatchObject({
      server: 'https://sink',
      tls: { insecureSkipVerify: true },
      credential: { kind: 'bearer', token: 'abc', tokenFile: undefined },
    })
  })

  const servers: readonly [string, string][] = [
    ['https://sink.example:8443/', 'https://sink.example:8443'],
    ['https://sink.example/a/b/?x=1#y', 'https://sink.example/a/b'],
    ['sink.example:8080/audit', 'http://sink.example:8080/audit'],
    ['sink.example', 'http://sink.example'],
    ['10.0.0.1:8080', 'http://10.0.0.1:8080'],
    ['unix:///run/sink.sock:/audit', 'unix:///run/sink.sock:/audit'],
  ]
  for (const [server, taken] of servers) {
    it(`takes the server ${server} for ${taken}`, () => {
      expect(endpointOf(kubeconfig([`server: "${server}"`])).server).toBe(taken)
    })
  }

  const credentials: readonly [string, readonly string[], object][] = [
    ['nothing', [], { kind: 'none' }],
    ['empty texts', ['token: ""', 'username: ""'], { kind: 'none' }],
    ['a token', ['token: abc'], { kind: 'bearer', token: 'abc', tokenFile: undefined }],
    ['a token file', ['tokenFile: run/token'], { kind: 'bearer', tokenFile: '/etc/tailship/run/token' }],
    ['both', ['token: abc', 'tokenFile: /t'], { kind: 'bearer', token: 'abc', tokenFile: '/t' }],
    ['a password', ['username: u', 'password: p'], { kind: 'basic', username: 'u', password: 'p' }],
    ['a user name alone', ['username: u'], { kind: 'basic', username: 'u', password: '' }],
  ]
  for (const [what, user, credential] of credentials) {
    it(`proves an identity by ${what}`, () => {
      expect(endpointOf(kubeconfig([SERVER], user)).credential).toMatchObject(credential)
    })
  }

  it('without contexts means the cluster and the user named ""', () => {
    const text = ['clusters:', '- cluster:', '    server: https://sink', 'users:', '- name: ""', '  user: {token: t}']
    expect(endpointOf(text.join('\n'))).toMatchObject({ server: 'https://sink', credential: { kind: 'bearer' } })
  })

  it('may name no user', () => {
    const text = kubeconfig([SERVER]).replace(', user: agent', '')
    expect(endpointOf(text).credential).toEqual({ kind: 'none' })
  })

  it('gives no credential to an http:// server, and says so for each', () => {
    const user = ['token: hunter2', 'client-certificate: c.pem', 'client-key: k.pem']
    const parsed = parseKubeconfig(kubeconfig(['server: http://sink', 'certificate-authority: ca.pem'], user), PATH)
    expect(parsed).toMatchObject({
      kind: 'endpoint',
      endpoint: { credential: { kind: 'none' }, tls: { ca: undefined, cert: undefined, key: undefined } },
    })
    expect(parsed.kind === 'endpoint' && parsed.warnings.map(problemSentence)).toEqual([
      `${PATH}:15:5: warning: \`token\` is not used: it would travel unencrypted to an http:// server; use https://`,
      `${PATH}:16:5: warning: \`client-certificate\` is not used: it would travel unencrypted to an http:// server; use https://`,
    ])
    expect(JSON.stringify(parsed)).not.toContain('hunter2')
  })
})

describe('a kubeconfig that is wrong', () => {
  const ca = 'certificate-authority: ca.pem'
  const rows: readonly [what: string, text: string, problem: string][] = [
    ['no server', kubeconfig([ca]), ':9:3: `server` is missing; give the address'],
    ['an unusable server', kubeconfig(['server: "https://"']), ':10:5: `server` is no usable address'],
    ['a server with a login', kubeconfig(['server: https://u:hunter2@sink']), ':10:5: `server` is no usable address'],
    [
      'two authorities',
      kubeconfig([SERVER, ca, `certificate-authority-data: ${base64('ca.pem')}`]),
      ':12:5: `certificate-authority-data` is set together with `certificate-authority`; keep one of the two',
    ],
    [
      'data that is no base64',
      kubeconfig([SERVER, 'certificate-authority-data: "%%"']),
      ':11:5: `certificate-authority-data` is no base64 of a PEM file',
    ],
    [
      'data that is no PEM',
      kubeconfig([SERVER, 'certificate-authority-data: aHVudGVyMg==']),
      ':11:5: `certificate-authority-data` is no base64 of a PEM file',
    ],
    [
      'an authority that does not matter',
      kubeconfig([SERVER, ca, 'insecure-skip-tls-verify: true']),
      ':12:5: `insecure-skip-tls-verify` is set together with a certificate authority',
    ],
    [
      'a flag that is no flag',
      kubeconfig([SERVER, 'insecure-skip-tls-verify: "yes"']),
      ':11:5: `insecure-skip-tls-verify` must be true or false',
    ],
    [
      'a proxy without a scheme',
      kubeconfig([SERVER, 'proxy-url: proxy:3128']),
      ':11:5: `proxy-url` is no address of a proxy',
    ],
    [
      'a proxy of another kind',
      kubeconfig([SERVER, 'proxy-url: ftp://proxy']),
      ':11:5: `proxy-url` is no address of a proxy',
    ],
    [
      'a certificate without its key',
      kubeconfig([SERVER], ['client-certificate: c.pem']),
      '`client-key` is missing beside the client certificate',
    ],
    [
      'a key without its certificate',
      kubeconfig([SERVER], ['client-key: k.pem']),
      '`client-certificate` is missing beside the client key',
    ],
    [
      'two certificates',
      kubeconfig(
        [SERVER],
        ['client-certificate: c', `client-certificate-data: ${base64('client-a.pem')}`, 'client-key: k'],
      ),
      '`client-certificate-data` is set together with `client-certificate`',
    ],
    [
      'two keys',
      kubeconfig([SERVER], ['client-certificate: c', 'client-key: k', `client-key-data: ${base64('client-a.key')}`]),
      '`client-key-data` is set together with `client-key`',
    ],
    [
      'a token and a user name',
      kubeconfig([SERVER], ['token: hunter2', 'username: u']),
      ':15:5: `username` is set together with a token; keep one of the two',
    ],
    [
      'a token file and a password',
      kubeconfig([SERVER], ['tokenFile: t', 'password: hunter2']),
      ':15:5: `password` is set together with a token',
    ],
    [
      'a token that is a number',
      kubeconfig([SERVER], ['token: 12345']),
      ':14:5: `token` must be a string; put it in quotes',
    ],
    ['an exec plugin', kubeconfig([SERVER], ['exec: {command: aws}']), ':14:5: `exec` is not supported'],
    [
      'an unknown context',
      kubeconfig([SERVER]).replace('current-context: main', 'current-context: x'),
      ':3:1: `current-context` names no entry of `contexts`; name one of main, or add it',
    ],
    [
      'no context, where there are some',
      kubeconfig([SERVER]).replace('current-context: main', '').replace('contexts:', 'contexts:\n- name: other'),
      ': `current-context` is missing; name one of other, main, or add it',
    ],
    [
      'a context that is empty',
      kubeconfig([SERVER]).replace('current-context: main', 'current-context: ""'),
      ':3:1: `current-context` is missing; name one of main, or add it',
    ],
    [
      'a context, and no contexts',
      'clusters: [{name: c, cluster: {server: https://x}}]\ncurrent-context: x',
      ':2:1: `current-context` names no entry of `contexts`; `contexts` has none: add it',
    ],
    [
      'an unknown cluster',
      kubeconfig([SERVER]).replace('cluster: sink', 'cluster: x'),
      ':6:13: `cluster` names no entry of `clusters`; name one of sink, or add it',
    ],
    [
      'an unknown user',
      kubeconfig([SERVER]).replace('user: agent', 'user: x'),
      ':6:28: `user` names no entry of `users`',
    ],
    [
      'a name that stands twice',
      kubeconfig([SERVER]).replace('users:', '- name: sink\n  cluster: {server: x}\nusers:'),
      ':11:3: `name` is used twice in `clusters`',
    ],
    ['no YAML', 'clusters: [', ':1:'],
    ['nothing', '', 'is not a kubeconfig; it needs `clusters`'],
    ['another kind of text', 'just text', 'is not a kubeconfig; it needs `clusters`'],
  ]
  for (const [what, text, problem] of rows) {
    it(`by ${what} names the place and the remedy, and quotes no value`, () => {
      const problems = problemsOf(text).join('\n')
      expect(problems).toContain(problem)
      expect(problems).toMatch(/^\/etc\/tailship\/webhook\.kubeconfig(:\d+:\d+)?: /)
      expect(problems).not.toMatch(/hunter2|aHVudGVyMg/)
    })
  }

  it('by a name that leads nowhere is told of that, and of nothing that follows from it', () => {
    expect(problemsOf(kubeconfig([SERVER]).replace('current-context: main', 'current-context: x'))).toHaveLength(1)
    expect(problemsOf(kubeconfig([SERVER]).replace('cluster: sink, user: agent', 'cluster: x, user: y'))).toHaveLength(
      2,
    )
  })

  it('by names that are no text is told of like one without names', () => {
    const text = '{current-context: x, contexts: [{name: {toString: 1, valueOf: 1}}], clusters: [], users: []}'
    expect(problemsOf(text)).toEqual([expect.stringContaining('`contexts` has none: add it')])
  })

  it('tells all its problems', () => {
    const text = kubeconfig(['server: "https://"', 'proxy-url: x'], ['token: a', 'username: b'])
    expect(problemsOf(text)).toHaveLength(3)
  })
})
