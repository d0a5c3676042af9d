import { basename, dirname, extname } from 'node:path'
import { isObject } from '../json.ts'
import { check } from './check.ts'
import { ConfDocument } from './document.ts'
import { doubts } from './doubts.ts'
import { valueAt } from './explain.ts'
import { dotted, type Finding } from './finding.ts'
import { patternFindings } from './rule-patterns.ts'
import {
  type Conf,
  confSchema,
  type DestinationConf,
  destinationSchema,
  type SourceConf,
  sourceSchema,
} from './schema.ts'
import { pathFindings } from './sources.ts'
import { suggestion } from './suggestion.ts'

/** One file of the configuration, checked against the schema. */
export interface WrittenFile {
  readonly document: ConfDocument
  readonly integration: string
  readonly conf: Sections
  readonly findings: readonly Finding[]
  readonly sources: readonly WrittenSource[]
}

/** Everything but `logs:`, without refused values. A destination with nothing usable is undefined. */
export type Sections = Omit<Conf, 'logs' | 'destinations'> & {
  readonly destinations?: readonly (DestinationConf | undefined)[] | undefined
}

/** One item of `logs:`. */
interface WrittenSource {
  /** As written, if present. */
  readonly path: string | undefined
  /** Usable only if no finding is an error. */
  readonly conf: SourceConf | undefined
  readonly findings: readonly Finding[]
}

export async function writtenFile(file: string, text: string): Promise<WrittenFile> {
  const document = new ConfDocument(file, text)
  const value = document.value ?? {}
  const [logs, destinations] = [itemsOf(value, 'logs'), itemsOf(value, 'destinations')]
  const checked = destinations.map((item, index) => check(destinationSchema, item, { base: ['destinations', index] }))
  const rest = check(confSchema, without(value, { logs, destinations }), { base: [] })
  return {
    document,
    integration: integrationOf(file),
    conf: {
      ...rest.value,
      ...(destinations.length > 0 ? { destinations: checked.map((one) => one.value) } : {}),
    },
    findings: [...rest.findings, ...checked.flatMap(({ findings }) => findings), ...doubts(document.value)],
    sources: await Promise.all(logs.map(writtenSource)),
  }
}

function without(value: unknown, lists: Readonly<Record<string, readonly unknown[]>>): unknown {
  const keys = Object.keys(lists).filter((key) => lists[key]?.length !== 0)
  if (keys.length === 0 || !isObject(value)) return value
  return { ...value, ...Object.fromEntries(keys.map((key) => [key, undefined])) }
}

/** Items are checked separately, so that faults in one do not hide faults in others. */
function itemsOf(value: unknown, key: string): readonly unknown[] {
  const items = valueAt(value, [key])
  return Array.isArray(items) ? items : []
}

async function writtenSource(item: unknown, index: number): Promise<WrittenSource> {
  const base = ['logs', index]
  const { value: conf, findings } = check(sourceSchema, item, { base })
  const written = valueAt(item, ['path'])
  const path = typeof written === 'string' ? written : undefined
  const type = findings.find((finding) => dotted(finding.path) === dotted([...base, 'type']))
  if (type !== undefined && isOfAnotherAgent(item)) {
    return { path, conf: undefined, findings: [type] }
  }
  const rules = valueAt(item, ['log_processing_rules'])
  return {
    path,
    conf,
    findings: [
      ...findings,
      ...pathFindings(item, base),
      ...(await patternFindings(rules, [...base, 'log_processing_rules'])),
    ],
  }
}

/** Whether the item's type, and so its keys, are the Datadog Agent's alone. */
function isOfAnotherAgent(item: unknown): boolean {
  const type = valueAt(item, ['type'])
  return typeof type === 'string' && suggestion(type, ['file']) === undefined
}

/** Returns `kubernetes_audit` for `…/kubernetes_audit.d/conf.yaml` and for `…/kubernetes_audit.yaml`. */
function integrationOf(file: string): string {
  const folder = basename(dirname(file))
  if (basename(file) === 'conf.yaml' && folder.endsWith('.d') && folder !== '.d') return folder.slice(0, -2)
  return basename(file, extname(file))
}
