/** Layout of the run path: docs/operations.md#the-run-path. */
import { join } from 'node:path'

/** The positions. */
export const REGISTRY_FILE = 'registry.json'

/** Locked by the agent that uses the run path. */
export const LOCK_FILE = 'agent.lock'

/** The socket on which a running agent listens. */
export function agentSocketPath(runPath: string): string {
  return join(runPath, 'agent.sock')
}

/** Holds one directory per destination, named after it. */
export function deadLettersPath(runPath: string): string {
  return join(runPath, 'dead-letter')
}

export function deadLetterPath(runPath: string, destination: string): string {
  return join(deadLettersPath(runPath), destination)
}
