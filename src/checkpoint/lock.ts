import { statSync } from 'node:fs'
import { access, constants, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LOCK_FILE } from '../run-path.ts'
import { makeDirectory } from '../system/durable-directory.ts'
import { attempt, type SystemError, systemError } from '../system/system-error.ts'

export type Lock =
  | {
      readonly kind: 'locked'
      /** When an agent first took it, according to the file. */
      readonly madeAtMs: number
      /** Whether its file was removed or replaced, so that it no longer keeps other agents out. */
      isLost(): boolean
      release(): void
    }
  /** Another process holds it. `by` is what that process wrote about itself. */
  | { readonly kind: 'held'; readonly by: string; readonly message: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/**
 * Keeps handles referenced: garbage collection would close one, and closing releases the lock.
 */
const held = new Set<DatabaseSync>()

const SQLITE_BUSY = 5

type Stat = (path: string, options: { readonly bigint: true }) => Facts

/** Facts about the lock file. */
interface Facts {
  readonly dev: bigint
  readonly ino: bigint
  readonly mtimeMs: bigint
}

/**
 * Takes the lock that keeps a second agent out of a directory. `holder` describes this agent, for the second one's error
 * message.
 *
 * The lock is the kernel's: an open SQLite transaction holds a POSIX record lock on `agent.lock`, the only file lock Node
 * can take without native code. The file stays empty.
 * - Taking it is atomic, so two agents that start together need no protocol between them.
 * - The kernel releases it when the process ends. After kill -9, a power loss or a reboot there is no stale lock to
 *   reclaim, and no process id, possibly reused, to check.
 * - It belongs to the inode, so containers that mount the same host directory see each other's locks, whatever their
 *   process and network namespaces.
 *
 * POSIX releases the lock when this process closes any descriptor of the file, so nothing else in it may open the file.
 */
export async function openLock(dir: string, holder: string, stat: Stat = statSync): Promise<Lock> {
  const path = join(dir, LOCK_FILE)
  const holderPath = join(dir, `${LOCK_FILE}.holder`)
  const directory = await attempt(makeDirectory(dir))
  if (directory !== undefined) return failed(path, directory)
  const database = lockFile(path)
  if (database instanceof DatabaseSync) {
    held.add(database)
    const lock = await hold(database, path, stat)
    // Only the message of a refused agent needs this file, so failing to write it (full disk) does not matter.
    if (lock.kind === 'locked') await attempt(writeFile(holderPath, `${holder}\n`, { mode: 0o600 }))
    return lock
  }
  if (database.errcode === SQLITE_BUSY) {
    const by = await readHolder(holderPath)
    return { kind: 'held', by, message: `${dir} is in use by another agent (${by}): ${path} is locked` }
  }
  const reason = (await attempt(access(dir, constants.W_OK | constants.X_OK))) ?? (await removalOf(dir))
  return failed(path, reason ?? { code: database.code, message: database.message })
}

function lockFile(path: string): DatabaseSync | SqliteError {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    if (isSqliteError(error)) return error
    throw error
  }
}

function factsOf(path: string, stat: Stat): Facts | SystemError {
  try {
    return stat(path, { bigint: true })
  } catch (error) {
    return systemError(error)
  }
}

/** A failed stat other than ENOENT proves nothing: the lock is kept. */
function isOther({ dev, ino }: Facts, now: Facts | SystemError): boolean {
  return 'code' in now ? now.code === 'ENOENT' : now.dev !== dev || now.ino !== ino
}

async function hold(database: DatabaseSync, path: string, stat: Stat): Promise<Lock> {
  const refuse = (why: SystemError): Lock => {
    release(database)
    return failed(path, why)
  }
  // Must follow immediately: later, the path may lead to another agent's file.
  const facts = factsOf(path, stat)
  if ('code' in facts) return refuse(facts)
  // SQLite silently opens an unwritable file read-only, where its transaction takes no lock.
  const unwritable = await attempt(access(path, constants.W_OK))
  if (unwritable !== undefined) return refuse(unwritable)
  return {
    kind: 'locked',
    // The file is never written to, so its mtime is its creation time.
    madeAtMs: Number(facts.mtimeMs),
    isLost: () => isOther(facts, factsOf(path, stat)),
    release: () => release(database),
  }
}

interface SqliteError {
  readonly code: string
  readonly message: string
  readonly errcode: number
}

function isSqliteError(error: unknown): error is Error & SqliteError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}

function release(database: DatabaseSync): void {
  if (!held.delete(database)) return
  database.close()
}

/** A directory that was removed while mounted still exists and is writable, but no file can be created in it. */
async function removalOf(dir: string): Promise<SystemError | undefined> {
  const links = (await stat(dir).catch(() => undefined))?.nlink
  return links === 0 ? { code: 'ENOENT', message: 'its directory was removed: restart the pod' } : undefined
}

async function readHolder(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.trim().slice(0, 200) || 'unknown'
}

function failed(path: string, { code, message }: SystemError): Lock {
  return { kind: 'failed', code, message: `cannot lock ${path}: ${message}` }
}
