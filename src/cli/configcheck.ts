import type { Config } from '../config/config.ts'
import { inOrder, type Loaded, type Loading, loadConfig } from '../config/load.ts'
import { type Problem, renderProblem } from '../config/problem.ts'
import { standardInput } from '../config/read.ts'
import { type ExitCode, exitCode, type Io } from '../io.ts'
import { certificateProblems } from './certificate-problems.ts'
import { writeColored } from './color.ts'
import { credentialProblems } from './credential-problems.ts'
import { credentialsOf } from './credentials.ts'
import { importProblems } from './import-problems.ts'
import { jsonPlanOf } from './json-plan.ts'
import { planOf } from './plan.ts'
import { runPathProblems } from './run-path-problems.ts'
import { sourceProblems } from './source-problems.ts'

/** Reports everything wrong with a configuration, or what would run with it. Uses no network. */
export async function configcheck(
  paths: readonly string[],
  io: Pick<Io, 'env' | 'stdout' | 'stderr'>,
  output: 'text' | 'json' = 'text',
): Promise<ExitCode> {
  const files = paths.map((path) => (path === '-' ? standardInput : path))
  const loading = await loadConfig({ paths: files, env: io.env })
  const config = loading.kind === 'loaded' ? loading.config : undefined
  const problems = inOrder([...loading.problems, ...(loading.kind === 'loaded' ? await problemsAround(loading) : [])])
  const ok = problems.every(({ scope }) => scope === 'warning')
  if (output === 'json') {
    io.stdout.write(`${JSON.stringify(reportOf(config, problems, ok), undefined, 2)}\n`)
  } else {
    for (const problem of problems) io.stderr.write(`${renderProblem(problem)}\n`)
    if (!ok) writeColored(io.stderr, `FAIL ${countOf(problems)}: ${effectOf(loading)}\n`)
    else if (config !== undefined) {
      const warned = problems.length > 0 ? `, ${counted(problems.length, 'warning')}` : ''
      writeColored(io.stdout, `OK ${config.files.join(' ')}${warned}\n\n${planOf(config)}\n`)
    }
  }
  return ok ? exitCode.ok : exitCode.configuration
}

/** Returns problems with the files that the configuration names, in their present state. */
async function problemsAround({ config, origins }: Loaded): Promise<readonly Problem[]> {
  const credentials = await credentialsOf(config.destinations, origins.destinations)
  return [
    ...sourceProblems(config, origins.sources),
    ...(await credentialProblems(credentials)),
    ...(await certificateProblems(credentials, Date.now())),
    ...(await runPathProblems(config.checkpoint.runPath, origins.checkpoint)),
    ...importProblems(config.checkpoint.importPath),
  ]
}

function countOf(problems: readonly Problem[]): string {
  const warnings = problems.filter(({ scope }) => scope === 'warning').length
  const errors = problems.length - warnings
  return [counted(errors, 'problem'), ...(warnings > 0 ? [counted(warnings, 'warning')] : [])].join(', ')
}

/** Returns what an agent would do with the configuration despite its problems. */
function effectOf(loading: Loading): string {
  if (loading.kind === 'invalid') return 'the agent would not start'
  const rejected = loading.config.rejectedSources.length
  if (rejected > 0) return `the agent would start without ${counted(rejected, 'item')} of \`logs:\``
  return 'the agent would start, and deliver nothing where the kubeconfig is wrong'
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** A versioned contract: fields are added, never renamed or removed, within a version. */
function reportOf(config: Config | undefined, problems: readonly Problem[], ok: boolean) {
  return {
    schema: 'tailship.configcheck/v1',
    ok,
    problems: problems.map(({ file, line, column, key, message, hint, scope, sourceIndex }) => ({
      file,
      line,
      column,
      key,
      message,
      hint,
      scope,
      sourceIndex,
    })),
    ...(config === undefined ? {} : { plan: jsonPlanOf(config) }),
  }
}
