import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { certificateProblems } from '../../src/cli/certificate-problems.ts'
import { problemSentence } from '../../src/config/problem.ts'
import { configOf, directoryOf, item } from '../config/loading.ts'
import { fixturePath, fixtureText } from '../support/tls-fixtures.ts'

const client = fixturePath('client-a.pem')
const ca = fixturePath('ca.pem')

async function told(destination: string, at: string): Promise<readonly string[]> {
  const { destinations } = await configOf(`${item}destination: {type: webhook, ${destination}}\n`)
  return (await certificateProblems(destinations, Date.parse(at))).map(problemSentence)
}

describe('a certificate', () => {
  const tls = `url: "https://h", tls: {cert_file: ${client}, key_file: ${fixturePath('client-a.key')}}`
  const what = `destination webhook: warning: the client certificate ${client}`
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
      expect.stringContaining(`the certificate authority ${ca} expired at `),
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
    const { destinations } = await configOf(`${item}destinations: ${list}\n`)
    const problems = await certificateProblems(destinations, Date.parse('2121-01-01T00:00:00Z'))
    expect(problems.map(problemSentence)).toEqual([
      `${path}: warning: the client certificate expired at 2120-01-01T00:00:00.000Z; renew it`,
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
