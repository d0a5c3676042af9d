import { Fault, type FileFacts, type Files, leadsNowhere } from './files.ts'

/** What packs a file gives the archive its modification time, which some cut to whole seconds, and FAT to two. */
const COARSE_MS = 2000

/** Whether an archive beside its plain file, there or not, is a copy of it: then it is as old as that, or younger. */
export function isCopyOf(plainPath: string, archive: FileFacts, files: Files): boolean {
  const plain = files.stat(plainPath)
  if (plain instanceof Fault) return !leadsNowhere(plain)
  return plain.kind === 'file' && archive.mtimeMs >= plain.mtimeMs - COARSE_MS
}
