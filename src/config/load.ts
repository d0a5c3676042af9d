import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Environment } from '../io.ts'
import { DEFAULT_CONFIG_PATH } from '../run-path.ts'
import type { Config } from './config.ts'
import { readEnvironment } from './environment.ts'
import { environmentPath } from './finding.ts'
import { merge } from './merge.ts'
import type { Origins } from './origin.ts'
import { placeFindings } from './placing.ts'
import { type Problem, problemOf } from './problem.ts'
import { findFiles, readConfFile } from './read.ts'
import { resolveConfig } from './resolve.ts'
import { patternFindings } from './rule-patterns.ts'
import { samePathProblems } from './same-paths.ts'
import { type WrittenFile, writtenFile } from './written.ts'

export interface LoadOptions {
  /** Files and directories given by `--config`. If empty, `$TAILSHIP_CONFIG`, else the default. */
  readonly paths: readonly string[]
  readonly env: Environment
  /** Returns the host's own name. Called only if neither the files nor the environment give one. */
  readonly hostnameOf?: () => string
  /** Whether a file exists that is read only later, such as one with an API key. */
  readonly exists?: (path: string) => boolean
}

export type Loading =
  | Loaded
  /** At least one problem is fatal. Contains every problem that could be found. */
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }

export interface Loaded {
  readonly kind: 'loaded'
  readonly config: Config
  readonly origins: Origins
  /** Warnings, and the problems of `logs:` items that are left out. */
  readonly problems: readonly Problem[]
}

/** Reads, checks and merges the configuration. Returns its faults as `problems`; never throws because of them. */
export async function loadConfig(options: LoadOptions): Promise<Loading> {
  const { paths, env, hostnameOf = hostname, exists = existsSync } = options
  const found = findFiles(paths.length > 0 ? paths : [env.TAILSHIP_CONFIG || DEFAULT_CONFIG_PATH])
  const read = found.files.map((file) => ({ file, ...readConfFile(file) }))
  const unread = [...found.problems, ...read.flatMap((one) => (one.kind === 'unusable' ? [one.problem] : []))]
  const files = await Promise.all(read.flatMap((one) => (one.kind === 'text' ? [writtenFile(one.file, one.text)] : [])))
  const environment = readEnvironment(env)
  const merged = merge(files)
  const { config, origins, findings } = resolveConfig({
    files,
    merged,
    environment: environment.conf,
    hostnameOf,
    exists,
  })
  const ofRules = await patternFindings(environment.conf.log_processing_rules, [
    ...environmentPath,
    'log_processing_rules',
  ])
  const complete = unread.every(({ scope }) => scope === 'warning') && files.every(isComplete)
  const problems = inOrder([
    ...unread,
    ...samePathProblems(files),
    ...files.flatMap((file) => problemsOf(file, files.length === 1)),
    ...merged.problems,
    ...environment.problems,
    ...placeFindings([...findings, ...ofRules], { files, merged, environment, complete }),
  ])
  return problems.some(({ scope }) => scope === 'fatal')
    ? { kind: 'invalid', problems }
    : { kind: 'loaded', config, origins, problems }
}

/** Returns the problems in reading order: file by file, each from top to bottom. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))]
  const place = ({ line = 0, column = 0 }: Problem) => line * 1e6 + column
  return files.flatMap((file) =>
    problems.filter((problem) => problem.file === file).sort((a, b) => place(a) - place(b)),
  )
}

const emptiness = (alone: boolean) =>
  alone
    ? ({ scope: 'fatal', hint: 'it needs `logs:` and `destination:`; config/conf.datadog.yaml is an example' } as const)
    : ({ scope: 'warning' } as const)

const isComplete = ({ document }: WrittenFile) => document.isWhole && document.value !== undefined

function problemsOf({ document, findings, sources }: WrittenFile, alone: boolean): readonly Problem[] {
  const empty = document.value === undefined && document.syntax.length === 0
  const ofSources = sources.flatMap((source, sourceIndex) =>
    source.findings
      .filter((finding) => document.isSure(finding))
      .map((finding) =>
        document.problem(finding, finding.severity === 'error' ? { scope: 'source', sourceIndex } : {}),
      ),
  )
  return [
    ...(empty ? [problemOf(document.file, 'is empty', emptiness(alone))] : []),
    ...document.syntax,
    ...findings.filter((finding) => document.isSure(finding)).map((finding) => document.problem(finding)),
    ...ofSources,
  ]
}
