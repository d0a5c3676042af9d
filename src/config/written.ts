import { basename, dirname, extname } from 'node:path'
import { check } from './check.ts'
import { ConfDocument } from './document.ts'
import { valueAt } from './explain.ts'
import type { Finding } from './finding.ts'
import { type Conf, confSchema, type SourceConf, sourceSchema } from './schema.ts'
import { pathFindings, patternFindings } from './sources.ts'

/** One file of the configuration, held against the schema. */
export interface WrittenFile {
  readonly document: ConfDocument
  readonly integration: string
  /** Everything but `logs:`, and without what was refused. */
  readonly conf: Conf
  readonly findings: readonly Finding[]
  readonly sources: readonly WrittenSource[]
}

/** One item of `logs:`. */
export interface WrittenSource {
  /** As it is written, if it is. */
  readonly path: string | undefined
  /** To be used where no finding is an error. */
  readonly conf: SourceConf | undefined
  readonly findings: readonly Finding[]
}

export async function writtenFile(file: string, text: string): Promise<WrittenFile> {
  const document = new ConfDocument(file, text)
  const value = document.value ?? {}
  const logs = valueAt(value, ['logs'])
  const items = Array.isArray(logs) ? logs : []
  const others = Array.isArray(logs) ? { ...value, logs: [] } : value
  const { value: conf = {}, findings } = check(confSchema, others, { base: [] })
  const sources = await Promise.all(items.map(writtenSource))
  return { document, integration: integrationOf(file), conf, findings, sources }
}

async function writtenSource(item: unknown, index: number): Promise<WrittenSource> {
  const base = ['logs', index]
  const { value: conf, findings } = check(sourceSchema, item, { base })
  const path = valueAt(item, ['path'])
  const rules = valueAt(item, ['log_processing_rules'])
  return {
    path: typeof path === 'string' ? path : undefined,
    conf,
    findings: [
      ...findings,
      ...(typeof path === 'string' ? pathFindings(path, base) : []),
      ...(await patternFindings(rules, [...base, 'log_processing_rules'])),
    ],
  }
}

/** `kubernetes_audit` of `…/kubernetes_audit.d/conf.yaml` and of `…/kubernetes_audit.yaml`. */
function integrationOf(file: string): string {
  const folder = basename(dirname(file))
  if (basename(file) === 'conf.yaml' && folder.endsWith('.d') && folder !== '.d') return folder.slice(0, -2)
  return basename(file, extname(file))
}
