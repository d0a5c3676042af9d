import { existsSync } from 'node:fs'
import type { Io } from '../io.ts'
import { agentSocketPath, DEFAULT_CONFIG_PATH, DEFAULT_RUN_PATH } from '../run-path.ts'
import type { Arguments } from './arguments.ts'

/** Where to look for a running agent. */
export interface RunPath {
  readonly path: string
  /** The socket on which it answers. */
  readonly socket: string
  /** Where the path came from, for messages. */
  readonly source: string
}

const defaults = { runPath: DEFAULT_RUN_PATH, config: DEFAULT_CONFIG_PATH }

/**
 * Returns the run path from the first of: `--run-path`, `--config`, $TAILSHIP_RUN_PATH, $TAILSHIP_CONFIG, the default path if
 * it has a socket, the default configuration. Undefined if the configuration is invalid; the reason is then on stderr.
 *
 * If $TAILSHIP_SOCKET is set and neither option given, it is the socket, and no configuration is read. Reading one costs a
 * probe several times its own CPU, which is also why the default configuration comes last.
 */
export async function runPathOf(
  args: Pick<Arguments, 'value'>,
  io: Pick<Io, 'env' | 'stderr'>,
  usual = defaults,
): Promise<RunPath | undefined> {
  const { env } = io
  const [runPath, config] = [args.value('run-path'), args.value('config')]
  if (runPath !== undefined) return at(runPath, '--run-path')
  if (config !== undefined) return configuredRunPath(config, config, io)
  if (env.TAILSHIP_RUN_PATH) return at(env.TAILSHIP_RUN_PATH, '$TAILSHIP_RUN_PATH', env.TAILSHIP_SOCKET)
  if (env.TAILSHIP_SOCKET) return at(usual.runPath, 'the default', env.TAILSHIP_SOCKET)
  if (env.TAILSHIP_CONFIG)
    return configuredRunPath(env.TAILSHIP_CONFIG, `${env.TAILSHIP_CONFIG} ($TAILSHIP_CONFIG)`, io)
  if (existsSync(agentSocketPath(usual.runPath)) || !existsSync(usual.config)) return at(usual.runPath, 'the default')
  return configuredRunPath(usual.config, usual.config, io)
}

function at(path: string, source: string, socket?: string): RunPath {
  return { path, source, socket: socket || agentSocketPath(path) }
}

async function configuredRunPath(
  path: string,
  source: string,
  io: Pick<Io, 'env' | 'stderr'>,
): Promise<RunPath | undefined> {
  const { loadConfig } = await import('../config/load.ts')
  // The caller may not have the agent's environment, and the API key is not needed here.
  const env = { DD_API_KEY: 'not-asked-for', ...io.env }
  const loading = await loadConfig({ paths: [path], env })
  if (loading.kind === 'loaded') {
    const { checkpoint, server } = loading.config
    return at(checkpoint.runPath, source, server.sockets[0])
  }
  const { problemLine } = await import('../config/problem.ts')
  io.stderr.write(
    `${loading.problems.map((problem) => `${problemLine(problem)}\n`).join('')}agent: the run path is not known: give it with --run-path DIR\n`,
  )
  return undefined
}
