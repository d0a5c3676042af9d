import type { Log } from '../log.ts'
import type { Generation } from './generation.ts'

/** Says that unread bytes are nowhere any more. */
export function reportLoss(log: Log, { origin: { path, id } }: Generation, bytes: number): void {
  log.error(
    { path, generation: id, bytes },
    'unread bytes are gone: the file was deleted or overwritten before it was read, and no copy of it is beside the live file',
  )
}

/** Says that they are there again, as when a mount was away. */
export function takeBackLoss(log: Log, { origin: { path, id }, unreadBytes, lastPath }: Generation): void {
  log.warn(
    { path, generation: id, bytes: unreadBytes, file: lastPath },
    'what was reported as gone is there again, and is read',
  )
}
