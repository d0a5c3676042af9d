import { open, stat } from 'node:fs/promises'
import { waitsForWriter } from '../system/named-pipe.ts'

/** Limit for secrets, certificates and kubeconfigs: a path to some other file must not fill the memory. */
const MAX_BYTES = 1_048_576

export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  /** `why` is a code such as `ENOENT` or another cause, without the path. */
  | { readonly kind: 'unreadable'; readonly why: string }

export async function readSmallFile(path: string): Promise<FileText> {
  try {
    if (waitsForWriter(path, await stat(path))) return { kind: 'unreadable', why: 'it is a named pipe' }
    await using file = await open(path)
    const room = Buffer.allocUnsafeSlow(MAX_BYTES + 1)
    let length = 0
    for (let bytesRead = -1; bytesRead !== 0; length += bytesRead) {
      bytesRead = (await file.read(room, length, room.length - length)).bytesRead
    }
    if (length > MAX_BYTES) return { kind: 'unreadable', why: `larger than ${MAX_BYTES} bytes` }
    return { kind: 'text', text: room.toString('utf8', 0, length) }
  } catch (error) {
    return { kind: 'unreadable', why: codeOf(error) }
  }
}

/** Returns a code such as `ENOENT`, because the error's message would repeat the path. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  return 'code' in error ? String(error.code) : error.message
}
