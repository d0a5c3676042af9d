import { join } from 'node:path'

/** `sun_path` has 108 bytes and ends in NUL (unix(7)); a longer path would be cut. */
const maxSocketPathBytes = 107

/** Where an agent with this run path listens. */
export function agentSocketPath(runPath: string): string {
  return join(runPath, 'agent.sock')
}

/** What is wrong with a path as a unix socket address; undefined: nothing. */
export function socketPathProblem(path: string): string | undefined {
  const length = new TextEncoder().encode(path).length
  if (length <= maxSocketPathBytes) return undefined
  return `${path} is ${length} bytes long and a unix socket's path may have ${maxSocketPathBytes}: choose a shorter run path`
}
