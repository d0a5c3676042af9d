import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** Creates a directory and its missing parents, mode 0700; when it returns they survive a power loss. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  // Each new directory is a name in its parent.
  const topmost = resolve(first)
  for (let created = resolve(path); created.length >= topmost.length; created = dirname(created)) {
    await syncDirectory(dirname(created))
  }
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
