/** What lies where in the run path: docs/operations.md#the-run-path. */
import { join } from 'node:path'

/** The positions. */
export const REGISTRY_FILE = 'registry.json'

/** Locked by the agent that works there. */
export const LOCK_FILE = 'agent.lock'

/** Where a running agent listens. */
export function agentSocketPath(runPath: string): string {
  return join(runPath, 'agent.sock')
}

/** One directory for each destination, by its name. */
export function deadLettersPath(runPath: string): string {
  return join(runPath, 'dead-letter')
}

export function deadLetterPath(runPath: string, destination: string): string {
  return join(deadLettersPath(runPath), destination)
}
