import { existsSync } from 'node:fs'
import { agentSocketPath } from '../observe/socket-path.ts'
import type { Arguments } from './arguments.ts'
import type { Io } from './io.ts'

/** Where a running agent is to be looked for. */
export interface RunPath {
  readonly path: string
  /** What said so, for messages. */
  readonly because: string
}

const defaultRunPath = '/var/lib/tailship'
const defaultConfig = '/etc/tailship'

/**
 * `--run-path`, else what `--config` says, else $TAILSHIP_RUN_PATH, else the default if a socket is there, else what the
 * default configuration says. Reading a configuration costs a probe several times its own CPU: it comes last.
 * Undefined: the configuration does not say, and the reason is on stderr.
 */
export async function runPathOf(args: Arguments, io: Io): Promise<RunPath | undefined> {
  const { env } = io
  const [runPath, config] = [args.value('run-path'), args.value('config')]
  if (runPath !== undefined) return { path: runPath, because: '--run-path' }
  if (config !== undefined) return configuredRunPath(config, io)
  if (env.TAILSHIP_RUN_PATH) return { path: env.TAILSHIP_RUN_PATH, because: '$TAILSHIP_RUN_PATH' }
  const usualConfig = env.TAILSHIP_CONFIG || defaultConfig
  if (existsSync(agentSocketPath(defaultRunPath)) || !existsSync(usualConfig)) {
    return { path: defaultRunPath, because: 'the default' }
  }
  return configuredRunPath(usualConfig, io)
}

async function configuredRunPath(path: string, io: Io): Promise<RunPath | undefined> {
  const { loadConfig } = await import('../config/load.ts')
  // Who asks may not have the agent's environment, and the key is of no use here.
  const env = { DD_API_KEY: 'not-asked-for', ...io.env }
  const loading = await loadConfig({ paths: [path], env })
  if (loading.kind === 'loaded') return { path: loading.config.checkpoint.runPath, because: path }
  const { problemLine } = await import('../config/problem.ts')
  io.stderr.write(
    `${loading.problems.map((problem) => `${problemLine(problem)}\n`).join('')}agent: cannot tell the run path: use --run-path DIR\n`,
  )
  return undefined
}
