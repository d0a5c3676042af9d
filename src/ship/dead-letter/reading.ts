import { join } from 'node:path'
import { systemError } from '../../system/system-error.ts'
import { type DeadLetterEntry, decodeEntry } from './entry.ts'
import { completeLines, listSegments } from './segment.ts'

/** Yields the entries of a dead letter, oldest first; undefined for a line that cannot be decoded. Changes nothing. */
export async function* readDeadLetter(dir: string): AsyncGenerator<DeadLetterEntry | undefined, void, undefined> {
  for (const { name } of await listSegments(dir)) {
    try {
      for await (const line of completeLines(join(dir, name))) yield decodeEntry(Buffer.from(line, 'latin1').toString())
    } catch (error) {
      // A replay may rename or remove the segment meanwhile.
      if (systemError(error).code !== 'ENOENT') throw error
    }
  }
}
