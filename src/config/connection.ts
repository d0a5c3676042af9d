import type { ProxyConfig, TlsConfig } from './config.ts'
import { dotted, type Findings, type Path } from './finding.ts'
import { type Layer, layered } from './layers.ts'
import type { DestinationConf, ProxyConf } from './schema.ts'

/** The file system as seen by a destination's configuration. */
export interface FilePort {
  /** Resolves a path from conf.yaml against that file's directory. */
  absolute(path: string): string
  exists(path: string): boolean
}

/** Resolves paths of files that are read on demand. They may appear after the start, so their absence is only a warning. */
export interface AwaitedFiles {
  absolute(path: string, key: Path): string
  absoluteIfAny(path: string | undefined, key: Path): string | undefined
}

export function awaitedFiles(port: FilePort, findings: Findings): AwaitedFiles {
  function absolute(path: string, key: Path): string {
    const resolved = port.absolute(path)
    if (!port.exists(resolved)) {
      const message = `\`${dotted(key)}\` ${resolved} does not exist yet: deliveries wait for it`
      findings.warnTransiently(key, message)
    }
    return resolved
  }
  return { absolute, absoluteIfAny: (path, key) => (path === undefined ? undefined : absolute(path, key)) }
}

export function resolveProxy(
  conf: Layer<ProxyConf> | undefined,
  environment: Layer<ProxyConf> | undefined,
): ProxyConfig {
  const none: Required<ProxyConf> = { https: undefined, http: undefined, no_proxy: [] }
  const { https, http, no_proxy: noProxy } = layered(none, conf, environment)
  return { https, http, noProxy: noProxy ?? [] }
}

export function resolveTls(conf: DestinationConf, files: AwaitedFiles, findings: Findings): TlsConfig {
  const { ca_file: alias, tls = {} } = conf
  if (alias !== undefined && tls.ca_file !== undefined) {
    findings.refuse(['ca_file'], '`ca_file` and `tls.ca_file` are the same setting: keep one of them')
  }
  if (tls.cert_file !== undefined && tls.key_file === undefined) {
    findings.refuse(['tls', 'cert_file'], '`cert_file` needs a `key_file` as well')
  }
  if (tls.key_file !== undefined && tls.cert_file === undefined) {
    findings.refuse(['tls', 'key_file'], '`key_file` needs a `cert_file` as well')
  }
  const skipVerify = tls.insecure_skip_verify ?? false
  if (skipVerify && (alias ?? tls.ca_file) !== undefined) {
    findings.refuse(['tls', 'insecure_skip_verify'], '`insecure_skip_verify` and `ca_file` cannot be used together')
  } else if (skipVerify) {
    const message = '`insecure_skip_verify` lets anyone on the network path read and change what is sent'
    findings.warn(['tls', 'insecure_skip_verify'], message)
  }
  return {
    caFile: files.absoluteIfAny(tls.ca_file, ['tls', 'ca_file']) ?? files.absoluteIfAny(alias, ['ca_file']),
    certFile: files.absoluteIfAny(tls.cert_file, ['tls', 'cert_file']),
    keyFile: files.absoluteIfAny(tls.key_file, ['tls', 'key_file']),
    serverName: tls.server_name,
    insecureSkipVerify: skipVerify,
  }
}

export const isPlain = (url: string) => new URL(url).protocol === 'http:'

export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
