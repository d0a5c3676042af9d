/** Where the configuration and the run path are, and the layout of the run path: docs/operations.md#the-run-path. */
import { join } from 'node:path'

export const DEFAULT_CONFIG_PATH = '/etc/tailship'
export const DEFAULT_RUN_PATH = '/var/lib/tailship'

/** The positions. */
export const REGISTRY_FILE = 'registry.json'

/** Locked by the agent that uses the run path. */
export const LOCK_FILE = 'agent.lock'

/** Holds one directory per destination, named after it. */
export const DEAD_LETTER_DIRECTORY = 'dead-letter'

/** The socket on which a running agent listens. */
export function agentSocketPath(runPath: string): string {
  return join(runPath, 'agent.sock')
}

export function deadLettersPath(runPath: string): string {
  return join(runPath, DEAD_LETTER_DIRECTORY)
}

export function deadLetterPath(runPath: string, destination: string): string {
  return join(deadLettersPath(runPath), destination)
}
