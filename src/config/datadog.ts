import type { DatadogConfig, SecretRef } from './config.ts'
import { type AwaitedFiles, isLoopback, isPlain } from './connection.ts'
import type { EnvironmentConf } from './environment.ts'
import { environmentPath, type Findings } from './finding.ts'
import type { DatadogConf } from './schema.ts'
import { secret } from './secret.ts'
import { didYouMean, suggestion } from './suggestion.ts'

const logsPath = '/api/v2/logs'
const sites = [
  'datadoghq.com',
  'us3.datadoghq.com',
  'us5.datadoghq.com',
  'datadoghq.eu',
  'ap1.datadoghq.com',
  'ap2.datadoghq.com',
  'ddog-gov.com',
]

export interface DatadogContext {
  readonly environment: EnvironmentConf
  readonly files: AwaitedFiles
  readonly findings: Findings
}

/** The settings specific to destinations of type datadog. */
export function resolveDatadog(
  conf: DatadogConf,
  context: DatadogContext,
): Pick<DatadogConfig, 'type' | 'url' | 'apiKey' | 'messageFormat'> {
  const url = intakeUrl(conf, context)
  const apiKey = apiKeyOf(conf, context)
  if (isPlain(url) && !isLoopback(url)) {
    const key = conf.url === undefined ? 'type' : 'url'
    context.findings.warn([key], `the API key is sent unencrypted to ${url}`, 'use https://')
  }
  return { type: 'datadog', url, apiKey, messageFormat: conf.message_format ?? 'line' }
}

function intakeUrl(conf: DatadogConf, { environment, findings }: DatadogContext): string {
  const fromEnvironment = environment.datadog
  if (conf.url !== undefined) {
    if (conf.site !== undefined) findings.warn(['site'], '`site` has no effect when `url` is given')
    return withLogsPath(conf.url)
  }
  if (conf.site === undefined && fromEnvironment?.url !== undefined) return withLogsPath(fromEnvironment.url)
  const site = conf.site ?? fromEnvironment?.site ?? 'datadoghq.com'
  if (!sites.includes(site)) {
    const near = suggestion(site.replace(/^app\./, ''), sites)
    const path = conf.site === undefined ? [...environmentPath, 'datadog', 'site'] : [...findings.base, 'site']
    const message = `\`${conf.site === undefined ? 'DD_SITE' : 'site'}\` ${site} is not one of Datadog’s public sites`
    findings.add({ path, at: 'value', severity: 'warning', message, hint: didYouMean(near) })
  }
  return `${environment.no_ssl === true ? 'http' : 'https'}://agent-http-intake.logs.${site}${logsPath}`
}

/** In `unix:///run/x.sock:/path` the path begins after the second colon. */
function withLogsPath(text: string): string {
  const [, socket, behind] = /^(unix:[^:]+)(?::(.*))?$/.exec(text) ?? []
  if (socket !== undefined) return `${socket}:${completed(behind ?? '')}`
  const url = new URL(text)
  url.pathname = completed(url.pathname)
  return url.href
}

function completed(path: string): string {
  const bare = path.replace(/\/+$/, '')
  return bare.endsWith(logsPath) ? bare : `${bare}${logsPath}`
}

function apiKeyOf(conf: DatadogConf, { environment, files, findings }: DatadogContext): SecretRef {
  if (conf.api_key !== undefined && conf.api_key_file !== undefined) {
    findings.refuse(['api_key'], '`api_key` and `api_key_file` cannot be used together', 'keep the file')
  }
  if (conf.api_key_file !== undefined) {
    return { kind: 'file', path: files.absolute(conf.api_key_file, ['api_key_file']) }
  }
  const value = conf.api_key ?? environment.datadog?.api_key
  if (value === undefined) {
    const remedy = 'set DD_API_KEY in the environment, or `api_key_file:` in the destination'
    findings.miss(['api_key'], 'there is no Datadog API key', remedy)
  }
  return secret(value ?? '')
}
