import { link, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { makeDirectory, syncDirectory } from '../system/durable-directory.ts'

/** What a store needs from the file system. Every method rejects with an error that has the system's `code`. */
export interface StoreFs {
  /** Durably creates a directory and its parents where missing. */
  makeDirectory(path: string): Promise<void>
  readDirectory(path: string): Promise<readonly string[]>
  /** Undefined if it is longer than `maxBytes`. */
  readFile(path: string, maxBytes: number): Promise<Buffer | undefined>
  /** Creates or replaces a file, mode 0600; resolves when its content is durable. */
  writeFile(path: string, bytes: Buffer): Promise<void>
  link(existing: string, path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Resolves when the entries of a directory are durable. */
  syncDirectory(path: string): Promise<void>
}

export const diskFs: StoreFs = {
  makeDirectory,
  readDirectory: (path) => readdir(path),
  readFile: async (path, maxBytes) => ((await stat(path)).size > maxBytes ? undefined : readFile(path)),
  writeFile: (path, bytes) => writeFile(path, bytes, { mode: 0o600, flush: true }),
  link,
  rename,
  unlink,
  syncDirectory,
}
