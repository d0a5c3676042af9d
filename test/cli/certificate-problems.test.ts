import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { certificateProblems } from '../../src/cli/certificate-problems.ts'
import { credentialsOf } from '../../src/cli/credentials.ts'
import { problemSentence } from '../../src/config/problem.ts'
import { directoryOf, item, loading } from '../config/loading.ts'
import { fixturePath, fixtureText } from '../support/tls-fixtures.ts'

const client = fixturePath('client-a.pem')
const ca = fixturePath('ca.pem')

async function told(destination: string, at: string): Promise<readonly string[]> {
  return problemsAt(`${item}destination: {type: webhook, ${destination}}\n`, at)
}

/** Each with its place, but for the directory of the file. */
async function problemsAt(text: string, at: string): Promise<readonly string[]> {
  const loaded = await loading(text)
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems))
  const { config, origins } = loaded
  const problems = await certificateProblems(
    await credentialsOf(config.destinations, origins.destinations),
    Date.parse(at),
  )
  return problems.map((problem) => problemSentence({ ...problem, file: basename(problem.file) }))
}

describe('a certificate', () => {
  const tls = `url: "https://h", tls: {cert_file: ${client}, key_file: ${fixturePath('client-a.key')}}`
  const what = `conf.yaml:3:65: warning: \`tls.cert_file\` ${client}`
  const renew = '; renew it: a new file is taken up without a restart'

  it.each([
    ['2030-01-01T00:00:00Z', []],
    ['2119-12-17T23:59:59Z', []],
    ['2119-12-18T00:00:01Z', [`${what} expires soon, at 2120-01-01T00:00:00.000Z${renew}`]],
    ['2120-01-01T00:00:00Z', [`${what} expired at 2120-01-01T00:00:00.000Z${renew}`]],
    ['2019-12-31T23:59:59Z', [`${what} is not valid before 2020-01-01T00:00:00.000Z${renew}`]],
  ])('is judged at %s', async (at, expected) => {
    expect(await told(tls, at)).toEqual(expected)
  })

  it('of an authority is judged, too', async () => {
    expect(await told(`url: "https://h", ca_file: ${ca}`, '2121-01-01T00:00:00Z')).toEqual([
      expect.stringMatching(`^conf.yaml:3:57: warning: \`ca_file\` ${ca} expired at `),
    ])
  })

  it('of an authority that is being replaced is left alone as long as one of its file is valid', async () => {
    const both = join(directoryOf({ both: fixtureText('expired.pem') + fixtureText('ca.pem') }), 'both')
    expect(await told(`url: "https://h", ca_file: ${both}`, '2030-01-01T00:00:00Z')).toEqual([])
  })

  it('in a kubeconfig is told of with its file, and once', async () => {
    const data = Buffer.from(fixtureText('client-a.pem')).toString('base64')
    const key = Buffer.from(fixtureText('client-a.key')).toString('base64')
    const text = `clusters: [{name: "", cluster: {server: "https://h"}}]
users: [{name: "", user: {client-certificate-data: ${data}, client-key-data: ${key}}}]
`
    const path = join(directoryOf({ kc: text }), 'kc')
    const list = `[{type: webhook, name: a, kubeconfig: ${path}}, {type: webhook, name: b, kubeconfig: ${path}}]`
    expect(await problemsAt(`${item}destinations: ${list}\n`, '2121-01-01T00:00:00Z')).toEqual([
      'kc:2:27: warning: `client-certificate-data` expired at 2120-01-01T00:00:00.000Z; renew it',
    ])
  })

  it('that cannot be read or is none is nothing to judge here', async () => {
    const file = join(
      directoryOf({ none: 'nothing', broken: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' }),
      'none',
    )
    for (const path of [file, '/nowhere/ca.pem', file.replace(/none$/, 'broken')]) {
      expect(await told(`url: "https://h", ca_file: ${path}`, '2121-01-01T00:00:00Z')).toEqual([])
    }
  })
})
