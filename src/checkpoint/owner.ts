import { randomUUID } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { geteuid } from 'node:process'
import { LOCK_FILE, REGISTRY_FILE } from '../run-path.ts'

/** A file that an agent of another user left. */
export interface ForeignFile {
  readonly path: string
  readonly uid: number
}

/** For root only: a state file of another user, whose agent could not read what root writes, and would resend everything. */
export async function foreignState(dir: string): Promise<ForeignFile | undefined> {
  // Other users are kept out by the kernel.
  return geteuid?.() === 0 ? stateOfAnother(dir, () => ownerOfNewFile(dir)) : undefined
}

/**
 * The owner of the files shows whose agent works there. The owner of the directory does not: the kubelet or an administrator
 * may have created it. Neither does our uid show which files are ours: where root is squashed or all files have one owner
 * (NFS, CIFS), only the owner of a new file does.
 */
export async function stateOfAnother(
  dir: string,
  ownOwner: () => Promise<number | undefined>,
): Promise<ForeignFile | undefined> {
  for (const name of [REGISTRY_FILE, LOCK_FILE]) {
    const path = join(dir, name)
    const uid = await ownerOf(path)
    if (uid === undefined) continue
    const own = await ownOwner()
    return own === undefined || own === uid ? undefined : { path, uid }
  }
  return undefined
}

/** Undefined if no file can be created: then no state can be written there either. */
async function ownerOfNewFile(dir: string): Promise<number | undefined> {
  const path = join(dir, `.owner-${randomUUID()}`)
  try {
    // Exclusive creation never follows a link, which another user may have planted.
    await writeFile(path, '', { mode: 0o600, flag: 'wx' })
    return await ownerOf(path)
  } catch {
    return undefined
  } finally {
    await rm(path, { force: true }).catch(() => undefined)
  }
}

async function ownerOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.uid
}
