import { expect, it } from 'vitest'
import { failureReason } from '../../../src/ship/http/failure-reason.ts'

const failed = (code: string, message: string, more: object = {}) => Object.assign(new Error(message), { code }, more)

it.each([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unable to get local issuer certificate'],
])('of a certificate that is not trusted (%s) names the setting, not how to start Node', (code, message) => {
  const advice = '; if the root CA is installed locally, try running Node.js with --use-system-ca'
  expect(failureReason(failed(code, message + advice), { isPlain: false })).toBe(
    `${code}: ${message}: give its CA as tls.ca_file (in a kubeconfig: certificate-authority)`,
  )
})

it.each([
  ['ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:443', 'connection refused by 10.0.0.1:443'],
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND sink.example', 'no such host: sink.example'],
  ['ECONNRESET', 'read ECONNRESET', 'the other side reset the connection'],
  ['ENOENT', 'connect ENOENT /run/sink.sock', 'there is no socket /run/sink.sock'],
  ['EOTHER', 'anything else', 'anything else'],
])('of the system (%s) says in words what happened', (code, message, expected) => {
  expect(failureReason(failed(code, message), { isPlain: true })).toBe(`${code}: ${expected}`)
})

it.each([
  [true, 0, 'other side closed without an answer: is it https://?'],
  [true, 1, 'other side closed'],
  [false, 0, 'other side closed'],
])(
  'of a connection that is closed asks for TLS only where there is none and nothing came (%s, %i)',
  (isPlain, bytesRead, expected) => {
    const error = failed('UND_ERR_SOCKET', 'other side closed', { socket: { bytesRead } })
    expect(failureReason(error, { isPlain })).toBe(`UND_ERR_SOCKET: ${expected}`)
  },
)
