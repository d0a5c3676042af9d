/** Node's codes for a certificate from which OpenSSL could not build a chain to a trusted CA. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Plain words for Node's messages, which name a system call and repeat the code. */
const inWords: readonly (readonly [string, string])[] = [
  ['connect ECONNREFUSED ', 'connection refused by '],
  ['connect ETIMEDOUT ', 'no answer from '],
  ['connect EHOSTUNREACH ', 'no route to '],
  ['connect ENETUNREACH ', 'no route to '],
  ['connect ENOENT ', 'there is no socket '],
  ['connect EACCES ', 'permission denied for '],
  ['getaddrinfo ENOTFOUND ', 'no such host: '],
  ['getaddrinfo EAI_AGAIN ', 'this name cannot be looked up now: '],
  ['read ECONNRESET', 'the other side reset the connection'],
  ['write EPIPE', 'the other side closed the connection'],
]

/**
 * Returns `ECONNREFUSED: connection refused by 127.0.0.1:1` and the like, with a remedy if the configuration has one. If
 * several addresses were tried, describes the failure of the first.
 */
export function failureReason(error: unknown, { isPlain }: { readonly isPlain: boolean }): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error instanceof AggregateError && error.errors.length > 0) return failureReason(error.errors[0], { isPlain })
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return `${code}: ${described(error, code, isPlain)}`
}

function described(error: Error, code: string, isPlain: boolean): string {
  const { message } = error
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'the server does not speak TLS there: is it http://?'
  // OpenSSL's own message refers to its source code.
  if (code.startsWith('ERR_SSL_') && 'reason' in error) return String(error.reason)
  if (UNTRUSTED.has(code)) {
    // After the semicolon comes advice for whoever starts Node.
    return `${message.split(';')[0]}: give its CA as tls.ca_file (in a kubeconfig: certificate-authority)`
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `if it has the right name, give that as tls.server_name (in a kubeconfig: tls-server-name): ${message}`
  }
  if (code === 'UND_ERR_SOCKET' && isPlain && !hasAnswered(error))
    return `${message} without an answer: is it https://?`
  return inWords.reduce((text, [of, words]) => text.replace(of, words), message)
}

/** Whether anything was ever received on the socket of undici's error. */
function hasAnswered(error: Error): boolean {
  const socket = 'socket' in error ? error.socket : undefined
  return !(typeof socket === 'object' && socket !== null && 'bytesRead' in socket && socket.bytesRead === 0)
}
