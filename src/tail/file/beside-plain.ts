import { Fault, type FileFacts, type Files, leadsNowhere } from './files.ts'

/** Packing tools give an archive the modification time of its file, which some round down to whole seconds, and FAT to two. */
const COARSE_MS = 2000

/**
 * Whether an archive is a copy of the plain file beside it, if there is one: a copy is as old as that, or younger. Also
 * true if the plain file cannot be examined.
 */
export function isCopyOf(plainPath: string, archive: FileFacts, files: Files): boolean {
  const plain = files.stat(plainPath)
  if (plain instanceof Fault) return !leadsNowhere(plain)
  return plain.kind === 'file' && archive.mtimeMs >= plain.mtimeMs - COARSE_MS
}
