import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { geteuid } from 'node:process'
import { type ImportedPosition, loadDatadogRegistry } from '../checkpoint/datadog-import.ts'
import { openLock } from '../checkpoint/lock.ts'
import { type LockedStore, lockedStore } from '../checkpoint/locked-store.ts'
import { type ForeignFile, foreignState } from '../checkpoint/owner.ts'
import { type GenerationRecord, parseRegistry, type RegistryState } from '../checkpoint/registry.ts'
import { openStore } from '../checkpoint/store.ts'
import type { Config } from '../config/config.ts'
import type { AgentLog } from '../observe/log.ts'
import { REGISTRY_FILE } from '../run-path.ts'
import { isDenied, type SystemError } from '../system/system-error.ts'

/** State from earlier runs, and the store for new state. */
export interface Positions {
  readonly path: string
  readonly generations: readonly GenerationRecord[]
  /** Positions of another agent, for files this one has none for. */
  readonly imports: ReadonlyMap<string, ImportedPosition>
  /** When each source was first tailed, ms since the epoch. */
  readonly sinceMs: ReadonlyMap<string, number>
  /** Sources that were tailed before this start. */
  readonly knownSources: ReadonlySet<string>
  /** What was wrong with the state files at the start, and what was done about it; undefined if nothing was. */
  readonly recovered: string | undefined
  readonly store: LockedStore
}

export type OpenedPositions = { readonly kind: 'opened'; readonly positions: Positions } | Refused

/** `held`: another agent works on the run path. `foreign`: it holds the positions of another user. */
export interface Refused {
  readonly kind: 'refused'
  readonly why: 'held' | 'foreign'
  readonly message: string
}

export interface PositionsOptions {
  readonly config: Config
  readonly log: AgentLog
  /** Who we are, for the message of an agent that finds the run path in use. */
  readonly holder: string
  readonly startedAtMs: number
}

/** Never fails because of an unusable run path: every write tries it again. Leaves another agent's files there intact. */
export async function openPositions({ config, log, holder, startedAtMs }: PositionsOptions): Promise<OpenedPositions> {
  const { runPath, importPath } = config.checkpoint
  const foreign = await foreignState(runPath)
  if (foreign) return { kind: 'refused', why: 'foreign', message: foreignMessage(foreign, runPath) }
  const lock = await openLock(runPath, holder)
  if (lock.kind === 'held') return { kind: 'refused', why: 'held', message: lock.message }
  if (lock.kind === 'failed') {
    const hint = await remedyOf(lock, runPath)
    log.error(
      { reason: lock.message, hint },
      'the run path cannot be used: shipping continues, but positions are not kept',
    )
  }
  const store = await openStore({ dir: runPath, locked: lock.kind === 'locked' })
  const { recovered } = store
  if (recovered !== undefined) log.warn({ recovered }, 'the stored positions could not be used as they were')
  const { generations, rejected, sinceMs: knownSinceMs } = parseRegistry(store.loaded)
  if (rejected > 0) log.warn({ rejected }, 'entries of the registry could not be understood and were left out')
  // Without a registry, an agent may have died before it wrote its first one: files rotated since then are not history.
  const firstAtMs = knownSinceMs.size === 0 && lock.kind === 'locked' ? lock.madeAtMs : startedAtMs
  return {
    kind: 'opened',
    positions: {
      path: join(runPath, REGISTRY_FILE),
      generations,
      imports: importedPositions(importPath, log),
      sinceMs: new Map(config.sources.map(({ path }) => [path, knownSinceMs.get(path) ?? firstAtMs])),
      knownSources: new Set(knownSinceMs.keys()),
      recovered,
      store: lockedStore(store, lock, () => openLock(runPath, holder)),
    },
  }
}

function foreignMessage({ path, uid }: ForeignFile, runPath: string): string {
  return `${path} belongs to uid ${uid}: run the agent as that user, who could not read positions that root leaves there; to continue as root, first chown -R 0 ${runPath}`
}

/** A hint for the operator. Without permission to enter the directory, it is unknown whether its lock is held. */
async function remedyOf(fault: SystemError, runPath: string): Promise<string | undefined> {
  if (fault.code === 'ENOENT') return 'no directory can be created there: mount one, or set another checkpoint.run_path'
  if (!isDenied(fault)) return undefined
  const owner = (await stat(runPath).catch(() => undefined))?.uid
  const own = geteuid?.()
  if (owner === undefined || owner === own) return `let uid ${own} write there`
  return `it belongs to uid ${owner}: run the agent as that user, or give it a run path of its own; if an agent of that user is running there, everything is sent twice`
}

/** What is written to disk. */
export function registryOf({ sinceMs }: Positions, generations: readonly GenerationRecord[]): RegistryState {
  return {
    writtenAt: new Date().toISOString(),
    sources: Object.fromEntries([...sinceMs].map(([path, atMs]) => [path, new Date(atMs).toISOString()])),
    generations,
  }
}

/** Positions of a Datadog Agent, for files this agent has none for. An unreadable registry does not stop the agent. */
function importedPositions(path: string | undefined, log: AgentLog): ReadonlyMap<string, ImportedPosition> {
  const imported = path === undefined ? undefined : loadDatadogRegistry(path)
  if (imported?.kind === 'unusable') {
    log.warn(
      { path, reason: imported.reason },
      'no positions are imported: checkpoint.import is not the registry of a Datadog Agent',
    )
  } else if (imported && imported.rejected > 0) {
    log.warn(
      { path, rejected: imported.rejected },
      'entries of the imported registry could not be understood and were left out',
    )
  }
  return imported?.kind === 'positions' ? imported.positions : new Map()
}
