import { type Loaded, loadConfig } from '../config/load.ts'
import { renderProblem } from '../config/problem.ts'
import type { Io } from '../io.ts'
import type { Arguments } from './arguments.ts'

/** Loads the configuration that `--config` names. Undefined if it is unusable; its problems and `outcome` are then on stderr. */
export async function loadNamedConfig(
  args: Pick<Arguments, 'value'>,
  io: Pick<Io, 'env' | 'stderr'>,
  outcome: string,
): Promise<Loaded | undefined> {
  const path = args.value('config')
  const loading = await loadConfig({ paths: path === undefined ? [] : [path], env: io.env })
  if (loading.kind === 'loaded') return loading
  io.stderr.write(`${loading.problems.map(renderProblem).join('\n')}\nagent: ${outcome}\n`)
  return undefined
}
