import { randomUUID } from 'node:crypto'
import type { FileFacts } from '../file/files.ts'
import { NO_FINGERPRINT } from '../file/fingerprint.ts'
import type { Place } from '../file/place.ts'
import type { Generation } from './generation.ts'
import type { Generations } from './generations.ts'

/**
 * Notes a file that the first scan passes over as history: reading it to identify it may fail, or take longer than the
 * agent lives. A note records only that the file was there, as a generation of which no byte is known. It is never
 * recognised in a file; it only decides whether a file with new content is history. It does not cover a file written to
 * since, or another one that got its inode.
 */
export function noteHistory(generations: Generations, { path, facts }: Place, nowMs: number): void {
  const { start, options } = generations
  const { dev, ino, birth, size, mtimeMs } = facts
  if (birth === '0' || size === 0 || generations.ofFile(facts).length > 0) return
  if (!start.isPassedOver({ rotated: true, mtimeMs, identity: facts }, start.isFirstScan)) return
  const end = { offset: size, marker: NO_FINGERPRINT, deadLetteredBytes: 0, skippedBytes: {} }
  generations.remember({
    id: randomUUID(),
    path: options.path,
    lastPath: path,
    dev,
    ino,
    birth,
    prefix: NO_FINGERPRINT,
    size,
    finished: true,
    seenAt: new Date(nowMs).toISOString(),
    positions: Object.fromEntries(options.context.destinations.map((destination) => [destination, end])),
  })
}

/**
 * Whether it is a note, which says nothing about the content of its file: that is recognised, refused or waited for like
 * any other.
 */
export function isNote({ finished, place, isUnknown, cursors }: Generation): boolean {
  return finished && !place && isUnknown && cursors.evidence().length === 0
}

/** Returns the notes about a file. */
export function notesOf(generations: Generations, facts: FileFacts): readonly Generation[] {
  return generations.ofFile(facts).filter(isNote)
}

/**
 * Whether a file with new content, which begins with `begin`, is passed over: the very first scan is seeing it now
 * (`isFirst`), or has noted it. False if it may be a generation that is sought, or an unread one that was never examined.
 */
export function isHistory(
  generations: Generations,
  { facts, begin }: { readonly facts: FileFacts; readonly begin: Buffer },
  isFirst: boolean,
): boolean {
  const isNoted = isFirst || notesOf(generations, facts).some(({ size }) => size === facts.size)
  const { mtimeMs } = facts
  if (!generations.start.isPassedOver({ rotated: true, mtimeMs, identity: facts }, isNoted)) return false
  const isSought = ({ finished, place, isUnknown }: Generation) => !finished && (!place || isUnknown)
  return !generations.all().some((generation) => isSought(generation) && mayBegin(generation, begin))
}

/** Whether the content may begin with `begin`. If undecidable, true only while some of it is still to be delivered. */
function mayBegin({ head, isSettled }: Generation, begin: Buffer): boolean {
  const isAlike = head.length === 0 ? undefined : head.matches(begin.subarray(0, head.length))
  return isAlike ?? !isSettled
}
