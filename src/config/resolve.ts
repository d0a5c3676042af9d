import { dirname, isAbsolute, resolve } from 'node:path'
import { DEFAULT_RUN_PATH } from '../run-path.ts'
import type { CheckpointConfig, Config, RejectedSource, SourceConfig } from './config.ts'
import type { FilePort } from './connection.ts'
import { resolveDestinations, type WrittenDestination } from './destinations.ts'
import type { EnvironmentConf } from './environment.ts'
import { environmentPath, type Finding, Findings } from './finding.ts'
import type { Merged } from './merge.ts'
import type { Origin, Origins } from './origin.ts'
import { withoutOwnFiles } from './own-files.ts'
import { longestLineOf, resolveSource } from './sources.ts'
import { DAY_MS } from './units.ts'
import type { Sections, WrittenFile } from './written.ts'

export interface ResolveInput {
  readonly files: readonly WrittenFile[]
  readonly merged: Merged
  readonly environment: EnvironmentConf
  readonly hostnameOf: () => string
  readonly exists: (path: string) => boolean
}

export interface Resolved {
  readonly config: Config
  readonly origins: Origins
  /** Those below `environmentPath` concern the environment, the others the merged sections. */
  readonly findings: readonly Finding[]
}

/** Takes each setting from the files, else from the environment, else from the defaults. Reports conflicts between keys. */
export function resolveConfig(input: ResolveInput): Resolved {
  const { files, merged, environment, hostnameOf } = input
  const { conf } = merged
  const findings = new Findings([])
  const checkpoint = resolveCheckpoint(input, findings)
  const { sources, rejectedSources, origins } = resolveSources(input, checkpoint.runPath)
  const written = writtenDestinations(conf, findings)
  const { destinations, findings: ofDestinations } = resolveDestinations(written, {
    delivery: conf.delivery,
    environment,
    files: filesBeside(input, ['destination', 'destinations']),
    longestLine: longestLineOf(sources),
  })
  if (files.every(({ sources }) => sources.length === 0)) {
    findings.miss(['logs'], 'there is nothing to tail: `logs:` has no items')
  }
  const config: Config = {
    files: files.map(({ document }) => document.file),
    sources,
    rejectedSources,
    destinations,
    checkpoint,
    server: resolveServer(input, findings),
    logLevel: conf.log_level ?? environment.log_level ?? 'info',
    hostname: conf.hostname ?? environment.hostname ?? hostnameOf(),
    enabled: environment.enabled ?? true,
    openFilesLimit: conf.open_files_limit ?? environment.open_files_limit ?? 500,
  }
  const ownerOf = ({ path }: WrittenDestination) => merged.owners.get(path[0] ?? '')
  const ofWritten = written.map((one) => ({ document: ownerOf(one), path: one.path }))
  return {
    config,
    origins: {
      sources: origins,
      destinations: ofWritten,
      checkpoint: { document: merged.owners.get('checkpoint'), path: ['checkpoint'] },
    },
    findings: [...findings.list, ...ofDestinations],
  }
}

const defaultListen = { host: '127.0.0.1', port: 5555 }

function writtenDestinations(conf: Sections, findings: Findings): readonly WrittenDestination[] {
  const list = (conf.destinations ?? []).flatMap((one, index) =>
    one === undefined ? [] : [{ conf: one, path: ['destinations', index] }],
  )
  if (conf.destination === undefined) {
    return conf.destinations === undefined ? [{ conf: { type: 'datadog' }, path: ['destination'] }] : list
  }
  if (conf.destinations !== undefined) {
    const message = '`destination` and `destinations` cannot be used together'
    findings.add({ path: ['destinations'], at: 'key', severity: 'error', message })
  }
  return [{ conf: conf.destination, path: ['destination'] }, ...list]
}

function resolveSources({ files, merged: { conf }, environment }: ResolveInput, runPath: string) {
  const sources: SourceConfig[] = []
  const rejectedSources: RejectedSource[] = []
  const origins: Origin[] = []
  for (const { document, integration, conf: own, sources: written } of files) {
    const inherited = {
      integration,
      service: own.init_config?.service,
      tags: conf.tags ?? environment.tags ?? [],
      rules: environment.log_processing_rules ?? [],
    }
    for (const [index, { path, conf: source, findings }] of written.entries()) {
      const errors = findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)
      if (errors.length > 0) rejectedSources.push({ integration, path, error: errors.join('; ') })
      else if (source !== undefined) {
        sources.push(withoutOwnFiles(resolveSource(source, inherited), runPath))
        origins.push({ document, path: ['logs', index] })
      }
    }
  }
  return { sources, rejectedSources, origins }
}

function resolveCheckpoint(input: ResolveInput, findings: Findings): CheckpointConfig {
  const { environment } = input
  const { checkpoint } = input.merged.conf
  const files = filesBeside(input, ['checkpoint'])
  const runPath = checkpoint?.run_path ?? environment.checkpoint?.run_path ?? DEFAULT_RUN_PATH
  if (checkpoint?.run_path === undefined && !isAbsolute(runPath)) {
    findings.refuse([...environmentPath, 'checkpoint', 'run_path'], 'the run path must be absolute: begin with /')
  }
  const importPath = checkpoint?.import === undefined ? undefined : files.absolute(checkpoint.import)
  if (importPath !== undefined && !files.exists(importPath)) {
    findings.warn(['checkpoint', 'import'], `\`import\` ${importPath} does not exist: no positions are taken from it`)
  }
  return { runPath: files.absolute(runPath), importPath, expireAfterMs: checkpoint?.expire_after ?? 30 * DAY_MS }
}

function resolveServer(input: ResolveInput, findings: Findings): Config['server'] {
  const { listen, socket } = input.merged.conf.server ?? {}
  // Probes know only the socket from the environment: they do not read the configuration.
  const ofProbes = input.environment.server?.socket
  if (ofProbes !== undefined && !isAbsolute(ofProbes)) {
    findings.refuse([...environmentPath, 'server', 'socket'], 'the socket must be absolute: begin with /')
  }
  return {
    listen: listen === undefined ? defaultListen : listen.address,
    sockets: [
      ...(socket === undefined ? [] : [filesBeside(input, ['server']).absolute(socket)]),
      ...(ofProbes === undefined ? [] : [ofProbes]),
    ],
  }
}

/** Relative paths in a section are relative to its file's directory. */
function filesBeside({ merged, exists }: ResolveInput, sections: readonly string[]): FilePort {
  const owner = sections.map((section) => merged.owners.get(section)).find((document) => document !== undefined)
  const directory = dirname(owner?.file ?? '/')
  return { absolute: (path) => resolve(directory, path), exists }
}
