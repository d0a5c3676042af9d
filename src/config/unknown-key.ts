import type { Finding, Path } from './finding.ts'
import {
  checkpointSchema,
  confSchema,
  datadogSchema,
  deliverySchema,
  proxySchema,
  ruleSchema,
  serverSchema,
  sourceSchema,
  tlsSchema,
  webhookSchema,
} from './schema.ts'
import { didYouMean, slip, suggestion } from './suggestion.ts'

const keysOf = (schema: { readonly shape: object }) => Object.keys(schema.shape)

interface Section {
  readonly keys: readonly string[]
  /** Where its keys belong, worded for a message. */
  readonly where: string
}

const section = (name: string, schema: { readonly shape: object }): Section => ({
  keys: keysOf(schema),
  where: `under \`${name}:\``,
})

const top: Section = { keys: keysOf(confSchema), where: 'at the top level' }
const destinations: Readonly<Record<string, Section>> = {
  datadog: { keys: keysOf(datadogSchema), where: 'in a `destination:` of type datadog' },
  webhook: { keys: keysOf(webhookSchema), where: 'in a `destination:` of type webhook' },
}
/** By the key of each section; a stray key is attributed to the first section that has it. */
const sections: Readonly<Record<string, Section>> = {
  delivery: section('delivery', deliverySchema),
  checkpoint: section('checkpoint', checkpointSchema),
  server: section('server', serverSchema),
  logs: section('logs', sourceSchema),
  tls: section('tls', tlsSchema),
  proxy: section('proxy', proxySchema),
  log_processing_rules: section('log_processing_rules', ruleSchema),
}
const places = [...Object.values(sections).slice(0, 3), ...Object.values(destinations), ...Object.values(sections), top]

/** Hints for top-level keys of a Datadog Agent's own configuration, or of a Kubernetes manifest. */
const hintsOfDatadog: ReadonlyMap<string, string> = new Map([
  ['logs_config', 'its settings belong under `delivery:` and in a `destination:` here'],
  ['logs_enabled', 'shipping logs is all that this agent does: remove the key, or set DD_LOGS_ENABLED=false'],
  ['apiVersion', 'a Kubernetes manifest is no configuration: give the text of its `conf.yaml` alone'],
  ['ad_identifiers', 'there is no autodiscovery here: name the files in `path`'],
])

/** Hints for keys of Fluent Bit's tail input. */
const hintsOfFluentBit: ReadonlyMap<string, string> = new Map([
  ['read_from_head', '`start_position: beginning`, which is the default, does this'],
  ['db', 'positions are kept in `checkpoint.run_path`'],
  ['refresh_interval', 'new files are found within seconds: remove the key'],
  ['rotate_wait', 'rotated files are read to their end: remove the key'],
  ['parser', 'lines are sent as they are: remove the key'],
  ['buffer_max_size', 'the longest line is set by `max_line_bytes`'],
  ['skip_long_lines', 'long lines are truncated or dead-lettered: remove the key'],
])

/** The Datadog Agent's keys of a `logs:` item for joining lines. */
const joinsLines = /^(?:auto_)?multi_?line/

/** `parent` is the mapping at `path` that contains the key. */
export function unknownKey(key: string, path: Path, parent: unknown): Finding {
  const shown = key.length > 64 ? `${key.slice(0, 64)}…` : key
  const finding = { path: [...path, key], at: 'key', severity: 'error' } as const
  if (path[0] === 'logs' && joinsLines.test(key)) {
    return { ...finding, message: `\`${shown}\` is not supported: an audit log has one event per line` }
  }
  return { ...finding, message: `unknown key \`${shown}\``, hint: hintFor(key, path, parent) }
}

function hintFor(key: string, path: Path, parent: unknown): string | undefined {
  if (key.includes('\u00a0')) return 'it contains a no-break space (U+00A0): type a plain one'
  const ofAnother = path.length === 0 ? hintsOfDatadog.get(key) : hintsOfFluentBit.get(key)
  if (ofAnother !== undefined) return ofAnother
  const home = places.find((place) => place.keys.includes(key))
  if (home !== undefined) return `\`${key}\` belongs ${home.where}`
  const near = suggestion(key, keysAt(path, parent))
  if (near !== undefined) return didYouMean(near)
  const far = slip(
    key,
    places.flatMap((place) => place.keys),
  )
  const where = places.find((place) => far !== undefined && place.keys.includes(far))?.where
  return where === undefined ? undefined : `${didYouMean(far)} It belongs ${where}`
}

const typeOf = (parent: unknown) =>
  typeof parent === 'object' && parent !== null && 'type' in parent ? parent.type : undefined

function keysAt(path: Path, parent: unknown): readonly string[] {
  const name = path.findLast((step) => typeof step === 'string')
  if (name === undefined) return top.keys
  if (name !== 'destination' && name !== 'destinations') return sections[name]?.keys ?? []
  return destinations[String(typeOf(parent))]?.keys ?? []
}
