import { basename, dirname, join } from 'node:path'
import { Fault, type FileFacts, isAbsent, leadsNowhere, withFile } from '../file/files.ts'
import { isIdentity } from '../file/identity.ts'
import type { Generation } from '../generation/generation.ts'
import type { Generations } from '../generation/generations.ts'
import { isNote } from '../generation/history.ts'
import { recognise } from '../generation/recognition.ts'
import { liveNameOf, namesAlike } from '../names/rotated-name.ts'
import { plainCandidate } from './candidate.ts'
import { refuse, type Scan } from './scan.ts'
import { isDone } from './sighting.ts'

/** Consecutive scans that must agree that a file is missing. */
const SCANS = 2

/**
 * Looks for unplaced generations where ordinary scans do not: under names of no known form, and behind links. There only
 * the very same file is accepted. Even a finished file may still be written to there: it is searched for right after it
 * went missing, and later only where it was last seen.
 */
export function lookElsewhere(scan: Scan): void {
  const { unplaced } = scan.generations
  const unread = unplaced.filter(({ finished }) => !finished)
  const finished = unplaced.filter((generation) => generation.finished)
  const isSought = unread.length > 0 || finished.some(({ missedScans }) => missedScans < SCANS)
  const paths = new Set([
    ...(isSought ? alike(scan) : []),
    ...unread.flatMap((generation) => besides(scan, generation)),
    ...finished.map(({ lastPath }) => lastPath).filter((path) => isBeyond(scan, path)),
  ])
  for (const path of paths) {
    const fault = seek(scan, path)
    if (fault && unread.length > 0) refuse(scan, fault)
  }
}

function alike({ livePath: { base }, names }: Scan): readonly string[] {
  return namesAlike(base.name, names).map((name) => join(base.directory, name))
}

/**
 * Returns where it was last seen; if that is in another directory, to which a link led before it was repointed, also its
 * rotated names there.
 */
function besides(scan: Scan, { lastPath }: Generation): readonly string[] {
  const { base } = scan.livePath
  const directory = dirname(lastPath)
  if (directory === base.directory) return basename(lastPath) === base.name ? [] : [lastPath]
  const listing = scan.generations.options.listings.list(directory)
  if (listing instanceof Fault) {
    if (!isAbsent(listing)) refuse(scan, listing, 'directory')
    return [lastPath]
  }
  const live = new Set([basename(lastPath), liveNameOf(lastPath) ?? ''])
  return [lastPath, ...[...live].flatMap((name) => listing.rotatedOf(name)).map((name) => join(directory, name))]
}

/** Whether ordinary scans do not cover a path. Of names in the scanned directory only existing ones qualify. */
function isBeyond({ livePath: { base }, names }: Scan, path: string): boolean {
  if (dirname(path) !== base.directory) return true
  const name = basename(path)
  return names.has(name) && name !== base.name && liveNameOf(name) !== base.name
}

/** Gives the file at a path to the unplaced generation last seen in it. Returns a fault if this cannot be decided. */
function seek({ generations, seen }: Scan, path: string): Fault | undefined {
  const { files } = generations.options
  const facts = path.endsWith('.gz') ? undefined : files.stat(path)
  if (facts instanceof Fault) return leadsNowhere(facts) ? undefined : facts
  if (facts?.kind !== 'file' || generations.knows(facts)) return undefined
  const known = generations.ofFile(facts).filter((generation) => !isNote(generation))
  const unreadFirst = known.toSorted((a, b) => Number(a.finished) - Number(b.finished))
  for (const generation of unreadFirst) {
    const verdict = withFile(files, path, (fd) => recognise(generation, plainCandidate(files, fd, facts)))
    if (verdict instanceof Fault && !isDone(generation, facts)) return verdict
    if (verdict !== 'same') continue
    generations.attach(generation, { path, facts })
    seen.add(generation)
    return undefined
  }
  return undefined
}

/** After two complete scans without its file a generation becomes unplaced; if unfinished, it is then given up as lost. */
export function missUnseen(scan: Scan): void {
  const { generations, seen, isComplete } = scan
  for (const generation of [...generations.done, ...generations.reading]) {
    if (seen.has(generation) || generation === generations.live) continue
    if (isComplete) generation.missedScans += 1
    if (isComplete && generation.missedScans < SCANS) generations.scanWanted = true
    else if (!generation.isOpen && confirmGone(scan, generation)) generations.detach(generation)
  }
  for (const generation of isComplete ? [...generations.unplaced] : []) {
    generation.missedScans += 1
    const { finished, lossReported, missedScans } = generation
    if (missedScans >= SCANS && !finished && !lossReported) generations.giveUp(generation)
  }
}

/**
 * Whether it is gone from its last path as well, whose name may have no known form: even a finished file can be written to
 * there.
 */
function confirmGone(scan: Scan, generation: Generation): boolean {
  const { generations, nowMs } = scan
  const { lastPath: path, identity } = generation
  const facts = generations.options.files.stat(path)
  if (facts instanceof Fault && !leadsNowhere(facts)) return false
  // At the live path an inode may be used again by the live file.
  const isOther = facts instanceof Fault || !isIdentity(facts, identity) || isOfLive(generations, facts)
  if (isOther) return scan.isComplete || isOutOfSight(scan, generation)
  generations.foundAt(generation, { path, facts }, nowMs)
  if (generation.finished) scan.refusal ??= generation.fault
  return generation.isReplaced
}

function isOfLive({ live }: Generations, facts: FileFacts): boolean {
  return live !== undefined && isIdentity(live.identity, facts)
}

/**
 * Whether a finished generation that is not where it was counts as gone although something cannot be examined, as that may
 * last for any number of rotations. Without a listing it does only if it was last at the live path: other names shift on
 * rotation.
 */
function isOutOfSight({ refusal, names, livePath: { base } }: Scan, { finished, lastPath }: Generation): boolean {
  if (!finished || !refusal) return false
  return names.size > 0 || lastPath === join(base.directory, base.name)
}
