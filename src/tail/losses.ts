import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { Log } from '../log.ts'

type Known = Pick<GenerationRecord, 'path' | 'id'>

/** Says that unread bytes are nowhere any more. */
export function reportLoss(log: Log, { path, id }: Known, bytes: number): void {
  log.error(
    { path, generation: id, bytes },
    'unread bytes are gone: the file was deleted or overwritten before it was read, and no copy of it is beside the live file',
  )
}

/** Says that they are there again, as when a mount was away. */
export function takeBackLoss(log: Log, { path, id }: Known, what: { bytes: number; file: string }): void {
  log.warn({ path, generation: id, ...what }, 'what was reported as gone is there again, and is read')
}
