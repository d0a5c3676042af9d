import type { FileFacts } from './files.ts'

export type FileIdentity = Pick<FileFacts, 'dev' | 'ino' | 'birth'>

/** Device numbers may change when a machine starts; inodes are used again. A birth time settles both. */
export function isIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.birth === b.birth && (a.dev === b.dev || a.birth !== '0')
}

export function isCertainIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return isIdentity(a, b) && a.birth !== '0'
}

/** Of two files at hand now also the device tells: those of a volume and of its clone have the same inode and birth time. */
export function isClone(a: FileIdentity, b: FileIdentity): boolean {
  return isIdentity(a, b) && a.dev !== b.dev
}

export function isCertainlyOther(a: FileIdentity, b: FileIdentity): boolean {
  return a.birth !== '0' && b.birth !== '0' && !isIdentity(a, b)
}
