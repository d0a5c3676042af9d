import { ConfDocument } from '../../config/document.ts'
import { type Problem, problemOf } from '../../config/problem.ts'
import { isObject } from '../../json.ts'
import { parseProxy } from '../http/proxy.ts'
import { parseTarget } from '../http/target.ts'
import type { TlsSpec } from '../http/tls-files.ts'
import { chooseContext } from './kube-context.ts'
import type { KubeEntry } from './kube-entry.ts'

/** Where a kubeconfig sends audit events, and with which credentials. */
export interface KubeEndpoint {
  readonly server: string
  readonly tls: TlsSpec
  readonly proxy: string | undefined
  readonly credential: Credential
}

type Credential =
  | { readonly kind: 'none' }
  /** The file takes precedence; `token` is used until the file has been read once. */
  | { readonly kind: 'bearer'; readonly token: string | undefined; readonly tokenFile: string | undefined }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }

export type Kubeconfig =
  | { readonly kind: 'endpoint'; readonly endpoint: KubeEndpoint; readonly warnings: readonly Problem[] }
  /** Without excerpts: they would quote secrets. */
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }

const NO_TLS: TlsSpec = {
  ca: undefined,
  cert: undefined,
  key: undefined,
  serverName: undefined,
  insecureSkipVerify: false,
}

/**
 * Reads a kubeconfig, located at `path`, as kube-apiserver reads that of `--audit-webhook-config-file`. Does not check the
 * files it refers to: they may appear later, and change.
 */
export function parseKubeconfig(text: string, path: string): Kubeconfig {
  const document = new ConfDocument(path, text)
  if (document.syntax.length > 0) return invalid(document.syntax)
  if (!isObject(document.value)) {
    return invalid([
      problemOf(path, 'is not a kubeconfig', { hint: 'it needs `clusters` with the address of the receiver' }),
    ])
  }
  const problems: Problem[] = []
  const chosen = chooseContext(document, problems)
  if (chosen === undefined) return invalid(problems)
  const server = readServer(chosen.cluster)
  const target = server === undefined ? undefined : parseTarget(server)
  const tls = readTls(chosen.cluster, chosen.user)
  const credential = readCredential(chosen.user)
  const proxy = readProxy(chosen.cluster)
  if (problems.length > 0 || server === undefined || target === undefined) return invalid(problems)
  if (target.secure || target.socketPath !== undefined) {
    return { kind: 'endpoint', endpoint: { server, tls, proxy, credential }, warnings: [] }
  }
  const unused = ['token', 'tokenFile', 'username', 'client-certificate', 'client-certificate-data'].filter((key) =>
    chosen.user.has(key),
  )
  const warnings = unused.map((key) =>
    chosen.user.warning(key, 'is not used: it would travel unencrypted to an http:// server', 'use https://'),
  )
  return {
    kind: 'endpoint',
    endpoint: { server, tls: NO_TLS, proxy, credential: { kind: 'none' } },
    warnings: warnings.map(withoutExcerpt),
  }
}

function invalid(problems: readonly Problem[]): Kubeconfig {
  return { kind: 'invalid', problems: problems.map(withoutExcerpt) }
}

function withoutExcerpt(problem: Problem): Problem {
  return { ...problem, excerpt: undefined }
}

/** Reads the address as client-go does: the scheme defaults to http; query, fragment and trailing slashes are ignored. */
function readServer(cluster: KubeEntry): string | undefined {
  const text = cluster.text('server')
  if (text === undefined) {
    cluster.fault(
      'server',
      'is missing',
      'give the address that receives the events, such as https://sink.example:8443/audit',
    )
    return undefined
  }
  const bare = text.replace(/[?#].*$/, '').replace(/(?<![:/])\/+$/, '')
  const full = /^[a-z0-9+.-]+:\/|^unix:/i.test(bare) ? bare : `http://${bare}`
  if (parseTarget(full) !== undefined && !/^https?:\/\/[^/]*@/.test(full)) return full
  cluster.fault('server', 'is no usable address', 'write https://host:port/path; user and password go to `users`')
  return undefined
}

function readTls(cluster: KubeEntry, user: KubeEntry): TlsSpec {
  const ca = cluster.pem('certificate-authority')
  const insecureSkipVerify = cluster.flag('insecure-skip-tls-verify')
  if (ca !== undefined && insecureSkipVerify) {
    const hint = 'remove it to verify with the authority, or remove the authority'
    cluster.fault('insecure-skip-tls-verify', 'is set together with a certificate authority', hint)
  }
  const cert = user.pem('client-certificate')
  const key = user.pem('client-key')
  if (cert !== undefined && key === undefined) {
    user.fault('client-key', 'is missing beside the client certificate', 'give client-key or client-key-data')
  }
  if (key !== undefined && cert === undefined) {
    user.fault(
      'client-certificate',
      'is missing beside the client key',
      'give client-certificate or client-certificate-data',
    )
  }
  return { ca, cert, key, serverName: cluster.text('tls-server-name'), insecureSkipVerify }
}

function readCredential(user: KubeEntry): Credential {
  for (const key of ['exec', 'auth-provider', 'as', 'as-uid', 'as-groups', 'as-user-extra']) {
    if (user.has(key)) user.fault(key, 'is not supported', 'use token, tokenFile or a client certificate')
  }
  const token = user.text('token')
  const tokenFile = user.file('tokenFile')
  const username = user.text('username')
  const password = user.text('password')
  const bearer = token !== undefined || tokenFile !== undefined
  if (username === undefined && password === undefined) {
    return bearer ? { kind: 'bearer', token, tokenFile } : { kind: 'none' }
  }
  if (bearer) {
    user.fault(username === undefined ? 'password' : 'username', 'is set together with a token', 'keep one of the two')
  }
  return { kind: 'basic', username: username ?? '', password: password ?? '' }
}

function readProxy(cluster: KubeEntry): string | undefined {
  const text = cluster.text('proxy-url')
  if (text === undefined || (text.includes('://') && parseProxy(text) !== undefined)) return text
  cluster.fault('proxy-url', 'is no address of a proxy', 'begin it with http://, https:// or socks5://')
  return undefined
}
