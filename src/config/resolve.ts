import { existsSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { CheckpointConfig, Config, RejectedSource, SourceConfig } from './config.ts'
import type { FilePort } from './connection.ts'
import { environmentPath, resolveDestinations, type WrittenDestination } from './destinations.ts'
import type { EnvironmentConf } from './environment.ts'
import { type Finding, Findings } from './finding.ts'
import { layered } from './layers.ts'
import type { Merged } from './merge.ts'
import type { Conf } from './schema.ts'
import { resolveSource } from './sources.ts'
import type { WrittenFile } from './written.ts'

export interface ResolveInput {
  readonly files: readonly WrittenFile[]
  readonly merged: Merged
  readonly environment: EnvironmentConf
  readonly hostnameOf: () => string
}

export interface Resolved {
  readonly config: Config
  /** Below `environment` about the environment, else about the merged sections. */
  readonly findings: readonly Finding[]
}

/** For every key what the file says, else the environment, else the default; and what does not go together. */
export function resolveConfig({ files, merged, environment, hostnameOf }: ResolveInput): Resolved {
  const { conf } = merged
  const findings = new Findings([])
  const { destinations, findings: ofDestinations } = resolveDestinations(writtenDestinations(conf, findings), {
    delivery: conf.delivery,
    environment,
    files: filesBeside(merged, ['destination', 'destinations']),
  })
  if (files.every(({ sources }) => sources.length === 0)) {
    findings.miss(['logs'], 'there is nothing to tail: no item of `logs:`')
  }
  const config: Config = {
    files: files.map(({ document }) => document.file),
    ...resolveSources(files, conf, environment),
    destinations,
    checkpoint: resolveCheckpoint(merged, environment, findings),
    server: { listen: conf.server?.listen === undefined ? defaultListen : conf.server.listen.address },
    logLevel: conf.log_level ?? environment.log_level ?? 'info',
    hostname: conf.hostname ?? environment.hostname ?? hostnameOf(),
    enabled: environment.enabled ?? true,
    openFilesLimit: conf.open_files_limit ?? environment.open_files_limit ?? 500,
  }
  return { config, findings: [...findings.list, ...ofDestinations] }
}

const defaultListen = { host: '127.0.0.1', port: 5555 }

function writtenDestinations(conf: Conf, findings: Findings): readonly WrittenDestination[] {
  const list = (conf.destinations ?? []).map((one, index) => ({ conf: one, path: ['destinations', index] }))
  if (conf.destination === undefined) {
    return list.length > 0 ? list : [{ conf: { type: 'datadog' }, path: ['destination'] }]
  }
  if (list.length > 0) findings.refuse(['destinations'], '`destinations` and `destination` exclude each other')
  return [{ conf: conf.destination, path: ['destination'] }, ...list]
}

function resolveSources(files: readonly WrittenFile[], conf: Conf, environment: EnvironmentConf) {
  const sources: SourceConfig[] = []
  const rejectedSources: RejectedSource[] = []
  for (const { integration, conf: own, sources: written } of files) {
    const around = {
      integration,
      service: own.init_config?.service,
      tags: conf.tags ?? environment.tags ?? [],
      rules: environment.log_processing_rules ?? [],
    }
    for (const { path, conf: source, findings } of written) {
      const errors = findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)
      if (errors.length > 0) rejectedSources.push({ integration, path, error: errors.join('; ') })
      else if (source !== undefined) sources.push(resolveSource(source, around))
    }
  }
  return { sources, rejectedSources }
}

function resolveCheckpoint(merged: Merged, environment: EnvironmentConf, findings: Findings): CheckpointConfig {
  const { checkpoint } = merged.conf
  const files = filesBeside(merged, ['checkpoint'])
  const defaults = { run_path: '/var/lib/tailship', expire_after: 30 * 86_400_000, import: undefined }
  const {
    run_path: runPath,
    expire_after: expireAfterMs,
    import: imported,
  } = layered<{
    run_path: string
    expire_after: number
    import: string | undefined
  }>(defaults, checkpoint, environment.checkpoint)
  if (checkpoint?.run_path === undefined && !isAbsolute(runPath)) {
    findings.refuse([...environmentPath, 'checkpoint', 'run_path'], 'the run path must be absolute: begin with /')
  }
  const importPath = imported === undefined ? undefined : files.absolute(imported)
  if (importPath !== undefined && !files.exists(importPath)) {
    findings.warn(['checkpoint', 'import'], `\`import\` ${importPath} does not exist: no positions are taken from it`)
  }
  return { runPath: files.absolute(runPath), importPath, expireAfterMs }
}

/** Relative paths of a section are relative to the directory of its file. */
function filesBeside({ owners }: Merged, sections: readonly string[]): FilePort {
  const owner = sections.map((section) => owners.get(section)).find((document) => document !== undefined)
  const directory = dirname(owner?.file ?? '/')
  return { absolute: (path) => resolve(directory, path), exists: existsSync }
}
