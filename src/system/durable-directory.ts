import { mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemError } from './system-error.ts'

/**
 * Creates a directory and its missing parents, mode 0700; once it resolves, they survive a power loss. Rejects with ENOENT
 * if the parent exists but cannot hold a directory, such as /proc, or one that was removed while mounted.
 *
 * Does not use mkdir's `recursive`, which never returns in those cases.
 */
export async function makeDirectory(path: string): Promise<void> {
  const parent = dirname(path)
  try {
    await makeInParent(path)
  } catch (error) {
    if (systemError(error).code !== 'ENOENT' || parent === path) throw error
    await makeDirectory(parent)
    await makeInParent(path)
  }
}

async function makeInParent(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const found = await stat(path).catch(() => undefined)
    if (found?.isDirectory()) return
    throw error
  }
  // The new directory's name is an entry of its parent.
  await syncDirectory(dirname(path))
}

/** Makes the names in a directory durable: fsync of a file covers its content, not the entry that leads to it. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
