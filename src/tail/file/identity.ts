import type { FileFacts } from './files.ts'

export type FileIdentity = Pick<FileFacts, 'dev' | 'ino' | 'birth'>

/** Device numbers may change at a reboot; inodes are reused. A birth time settles both. */
export function isIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.birth === b.birth && (a.dev === b.dev || a.birth !== '0')
}

export function isCertainIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return isIdentity(a, b) && a.birth !== '0'
}

/** For two files that exist now the device decides, too: on a volume and its clone they have the same inode and birth time. */
export function isClone(a: FileIdentity, b: FileIdentity): boolean {
  return isIdentity(a, b) && a.dev !== b.dev
}

export function isCertainlyOther(a: FileIdentity, b: FileIdentity): boolean {
  return a.birth !== '0' && b.birth !== '0' && !isIdentity(a, b)
}

/**
 * Without birth times, whether a file that was last seen with a modification time is the one that is now on another device:
 * the same volume, mounted again.
 */
export function isRenumbered(
  last: { readonly identity: FileIdentity; readonly mtimeMs: number },
  now: FileFacts,
): boolean {
  const { dev, ino, birth } = last.identity
  return birth === '0' && now.birth === '0' && dev !== now.dev && ino === now.ino && last.mtimeMs === now.mtimeMs
}
