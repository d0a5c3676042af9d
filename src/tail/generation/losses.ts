import type { GenerationRecord } from '../../checkpoint/registry.ts'
import type { Log } from '../../log.ts'
import type { Place } from '../file/place.ts'
import type { Unreadable } from './decisions.ts'

type Known = Pick<GenerationRecord, 'path' | 'id'>

/** Reports that unread bytes exist nowhere any more. */
export function reportLoss(log: Log, { path, id }: Known, bytes: number): void {
  log.error(
    { path, generation: id, bytes },
    'unread bytes are gone: the file was deleted or overwritten before it was read, and no copy of it is beside the live file',
  )
}

/** Reports that an archive will not be read. */
export function reportDamage(log: Log, { path, reason }: Unreadable): void {
  log.error(
    { path, reason },
    'the archive is damaged or ends early, and nothing is read from it: what is in no other file is lost',
  )
}

/** Reports that a file is gone whose content was never seen: another file, such as an archive, may hold it. */
export function reportUnseen(log: Log, { path, reason, facts }: Place & Unreadable): void {
  log.warn(
    { path, reason, bytes: facts.size },
    'a rotated file is gone that could not be read: what is in no other file is lost',
  )
}

/** Reports that bytes reported as lost are there again, as when a missing volume is mounted. */
export function takeBackLoss(log: Log, { path, id }: Known, what: { bytes: number; file: string }): void {
  log.warn({ path, generation: id, ...what }, 'what was reported as gone is there again, and is read')
}
