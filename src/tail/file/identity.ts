import type { FileFacts } from './files.ts'

export type FileIdentity = Pick<FileFacts, 'dev' | 'ino' | 'birth'>

/** Device numbers may change at a reboot; inodes are reused. A birth time settles both. */
export function isIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.birth === b.birth && (a.dev === b.dev || a.birth !== '0')
}

export function isCertainIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return isIdentity(a, b) && a.birth !== '0'
}

/**
 * Whether two files that exist now are a file and its clone: on a volume and its clone they have the same inode and birth
 * time, and only the device tells them apart.
 */
export function isClone(a: FileIdentity, b: FileIdentity): boolean {
  return isIdentity(a, b) && a.dev !== b.dev
}

export function isCertainlyOther(a: FileIdentity, b: FileIdentity): boolean {
  return a.birth !== '0' && b.birth !== '0' && !isIdentity(a, b)
}

/**
 * Whether, where there are no birth times, the file last seen as `last` is the one now on another device, as its
 * modification time suggests: the same volume, mounted again.
 */
export function isRenumbered(
  last: { readonly identity: FileIdentity; readonly mtimeMs: number },
  now: FileFacts,
): boolean {
  const { dev, ino, birth } = last.identity
  return birth === '0' && now.birth === '0' && dev !== now.dev && ino === now.ino && last.mtimeMs === now.mtimeMs
}
