import type { DestinationConfig } from '../config/config.ts'
import { type Problem, problemOf } from '../config/problem.ts'
import { parseKubeconfig } from '../ship/destinations/kubeconfig.ts'
import { readSmallFile } from '../ship/small-file.ts'

/**
 * What is wrong with the kubeconfigs that are there now. An agent starts with them all the same, as they may change. One
 * that is not there is told of with the configuration.
 */
export async function kubeconfigProblems(destinations: readonly DestinationConfig[]): Promise<readonly Problem[]> {
  const paths = destinations.flatMap((one) => (one.type === 'webhook' ? (one.kubeconfig ?? []) : []))
  return (await Promise.all([...new Set(paths)].map(problemsOf))).flat()
}

async function problemsOf(path: string): Promise<readonly Problem[]> {
  const file = await readSmallFile(path)
  if (file.kind === 'unreadable') return file.why === 'ENOENT' ? [] : [problemOf(path, `cannot be read (${file.why})`)]
  const parsed = parseKubeconfig(file.text, path)
  return parsed.kind === 'invalid' ? parsed.problems : parsed.warnings
}
