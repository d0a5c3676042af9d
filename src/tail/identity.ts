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
