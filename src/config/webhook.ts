import type { WebhookConfig } from './config.ts'
import { type AwaitedFiles, isPlain } from './connection.ts'
import type { Findings } from './finding.ts'
import type { WebhookConf } from './schema.ts'
import { secret } from './secret.ts'

/** Headers that describe a request's framing or content: reserved for the agent. */
const ownHeaders = [
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'idempotency-key',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** The settings specific to destinations of type webhook. */
export function resolveWebhook(
  conf: WebhookConf,
  files: AwaitedFiles,
  findings: Findings,
): Pick<WebhookConfig, 'type' | 'url' | 'kubeconfig' | 'headers' | 'token'> {
  checkEndpoint(conf, findings)
  checkHeaders(conf, findings)
  if (conf.token !== undefined && conf.token_file !== undefined) {
    findings.refuse(['token'], '`token` and `token_file` cannot be used together', 'keep the file')
  }
  const tokenFile = files.absoluteIfAny(conf.token_file, ['token_file'])
  const token = conf.token === undefined ? undefined : secret(conf.token)
  return {
    type: 'webhook',
    url: conf.url,
    kubeconfig: files.absoluteIfAny(conf.kubeconfig, ['kubeconfig']),
    headers: conf.headers ?? {},
    token: tokenFile === undefined ? token : { kind: 'file', path: tokenFile },
  }
}

function checkEndpoint(conf: WebhookConf, findings: Findings): void {
  if (conf.kubeconfig === undefined && conf.url === undefined) {
    findings.miss(['url'], 'a webhook needs `url` or `kubeconfig`')
  }
  if (conf.kubeconfig !== undefined) {
    for (const key of ['url', 'token', 'token_file', 'tls', 'ca_file'] as const) {
      if (conf[key] !== undefined) findings.refuse([key], `\`${key}\` and \`kubeconfig\` cannot be used together`)
    }
  }
  if (conf.url === undefined || !isPlain(conf.url)) return
  const headers = Object.keys(conf.headers ?? {}).some((name) => /auth|token|key|secret|cookie/i.test(name))
  if (headers || (conf.token ?? conf.token_file ?? conf.tls?.cert_file) !== undefined) {
    findings.warn(['url'], 'credentials for an http:// url are sent unencrypted, or not at all', 'use https://')
  }
}

function checkHeaders({ headers = {}, token, token_file }: WebhookConf, findings: Findings): void {
  for (const name of Object.keys(headers)) {
    if (name.toLowerCase() === 'authorization' && (token ?? token_file) !== undefined) {
      findings.refuse(
        ['headers', name],
        `header \`${name}\` and a token cannot be used together`,
        'keep one of the two',
      )
    }
    // A field name is a token (RFC 9110, 5.6.2).
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) findings.refuse(['headers', name], 'this is not the name of a header')
    if (ownHeaders.includes(name.toLowerCase())) {
      findings.refuse(['headers', name], `header \`${name}\` is set by the agent itself`)
    }
  }
}
