import type { Environment } from '../io.ts'
import { parseJson } from '../json.ts'
import { type Problem, problemOf } from './problem.ts'
import { didYouMean, suggestion } from './suggestion.ts'

type Reader = (text: string, env: Environment) => unknown

const text: Reader = (value) => value
const list: Reader = (value) => value.split(/[\s,]+/)
const number: Reader = (value) => (Number.isNaN(Number(value)) ? value : Number(value))
/** Like Go's strconv.ParseBool. */
const flag: Reader = (value) => {
  if (/^(?:1|t|true)$/i.test(value)) return true
  return /^(?:0|f|false)$/i.test(value) ? false : value
}
const json: Reader = (value) => {
  const parsed = parseJson(value)
  return parsed === undefined ? value : parsed
}
const datadogLevels = new Map(Object.entries({ warning: 'warn', critical: 'error', off: 'error' }))
const level: Reader = (value) => datadogLevels.get(value.toLowerCase()) ?? value.toLowerCase()
/** Accepts `host:port` as well as a URL. */
const intake: Reader = (value, env) => {
  if (value.includes('://')) return value
  return `${flag(env.DD_LOGS_CONFIG_LOGS_NO_SSL ?? '', env) === true ? 'http' : 'https'}://${value}`
}

/** If several variables for one key are set, the first one wins. */
export const variables: readonly (readonly [name: string, path: readonly string[], read: Reader])[] = [
  ['DD_LOGS_ENABLED', ['enabled'], flag],
  ['DD_HOSTNAME', ['hostname'], text],
  ['NODE_NAME', ['hostname'], text],
  ['TAILSHIP_SOCKET', ['server', 'socket'], text],
  ['DD_TAGS', ['tags'], list],
  ['DD_LOG_LEVEL', ['log_level'], level],
  ['DD_API_KEY', ['datadog', 'api_key'], text],
  ['DD_SITE', ['datadog', 'site'], text],
  ['DD_LOGS_CONFIG_LOGS_DD_URL', ['datadog', 'url'], intake],
  ['DD_LOGS_CONFIG_LOGS_NO_SSL', ['no_ssl'], flag],
  ['DD_LOGS_CONFIG_COMPRESSION_KIND', ['datadog', 'compression'], text],
  ['DD_LOGS_CONFIG_COMPRESSION_LEVEL', ['datadog', 'compression_level'], number],
  ['DD_LOGS_CONFIG_BATCH_WAIT', ['delivery', 'batch_max_wait'], text],
  ['DD_LOGS_CONFIG_BATCH_MAX_SIZE', ['delivery', 'batch_max_size'], number],
  ['DD_LOGS_CONFIG_BATCH_MAX_CONTENT_SIZE', ['delivery', 'batch_max_bytes'], text],
  ['DD_LOGS_CONFIG_SENDER_BACKOFF_FACTOR', ['delivery', 'backoff_factor'], number],
  ['DD_LOGS_CONFIG_SENDER_BACKOFF_BASE', ['delivery', 'initial_backoff'], text],
  ['DD_LOGS_CONFIG_SENDER_BACKOFF_MAX', ['delivery', 'max_backoff'], text],
  ['DD_LOGS_CONFIG_RUN_PATH', ['checkpoint', 'run_path'], text],
  ['DD_LOGS_CONFIG_OPEN_FILES_LIMIT', ['open_files_limit'], number],
  ['DD_LOGS_CONFIG_PROCESSING_RULES', ['log_processing_rules'], json],
  ['DD_PROXY_HTTPS', ['proxy', 'https'], text],
  ['HTTPS_PROXY', ['proxy', 'https'], text],
  ['https_proxy', ['proxy', 'https'], text],
  ['DD_PROXY_HTTP', ['proxy', 'http'], text],
  ['HTTP_PROXY', ['proxy', 'http'], text],
  ['http_proxy', ['proxy', 'http'], text],
  ['DD_PROXY_NO_PROXY', ['proxy', 'no_proxy'], list],
  ['NO_PROXY', ['proxy', 'no_proxy'], list],
  ['no_proxy', ['proxy', 'no_proxy'], list],
]

/** The Datadog Agent's other variables that correspond to a key of conf.yaml. */
const keysInstead = new Map([
  ['DD_EXTRA_TAGS', 'tags'],
  ['DD_RUN_PATH', 'checkpoint.run_path'],
  ['DD_SKIP_SSL_VALIDATION', 'destination.tls.insecure_skip_verify'],
  ['DD_LOGS_CONFIG_USE_COMPRESSION', 'destination.compression'],
  ['DD_LOGS_CONFIG_BATCH_MAX_CONCURRENT_SEND', 'delivery.max_in_flight'],
  ['DD_LOGS_CONFIG_MAX_MESSAGE_SIZE_BYTES', 'logs[].max_line_bytes'],
])

/** Variables for the Datadog Agent's log shipping that have no effect here. */
export function idleVariables(env: Environment): readonly Problem[] {
  const known = new Map(variables.map(([name]) => [name.replace('DD_LOGS_CONFIG_', ''), name]))
  return Object.keys(env)
    .filter((name) => keysInstead.has(name) || name.startsWith('DD_LOGS_CONFIG_'))
    .filter((name) => variables.every(([other]) => other !== name))
    .map((name) => {
      const near = known.get(suggestion(name.replace('DD_LOGS_CONFIG_', ''), [...known.keys()]) ?? '')
      const key = keysInstead.get(name)
      const hint = key === undefined ? didYouMean(near) : `set \`${key}\` in conf.yaml`
      return problemOf('environment', `${name} has no effect on this agent`, { key: name, hint, scope: 'warning' })
    })
}
