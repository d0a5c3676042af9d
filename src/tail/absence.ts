import { basename, dirname, join } from 'node:path'
import { plainCandidate } from './candidate.ts'
import { Fault, isAbsent, withFile } from './files.ts'
import type { Generation } from './generation.ts'
import { isIdentity } from './identity.ts'
import { recognise } from './recognition.ts'
import { liveNameOf } from './rotated-name.ts'
import { leadsNowhere, refuse, type Scan } from './scan.ts'

/** Scans in a row that have to agree that a file is not there. */
const SCANS = 2

/**
 * A homeless generation may lie under a name of no known form, or behind a link: then only the same file will do. What is
 * done with may be written to there, too. It is looked for when it has just been missed, and then where it was last seen.
 */
export function lookElsewhere(scan: Scan): void {
  const { homeless } = scan.generations
  const unread = homeless.filter(({ finished }) => !finished)
  const finished = homeless.filter((generation) => generation.finished)
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

/** Other names that begin as that of the live file. */
function alike({ livePath: { base }, names }: Scan): readonly string[] {
  const stem = base.name.slice(0, Math.max(1, base.name.lastIndexOf('.')))
  return [...names]
    .filter((name) => name !== base.name && name.startsWith(stem))
    .map((name) => join(base.directory, name))
}

/** Where it was last seen, and where it may have been rotated to there, if that is where a link led before it was turned. */
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

/** Whether no scan looks at a path by itself; of the names in the directory only those that are there are worth a look. */
function isBeyond({ livePath: { base }, names }: Scan, path: string): boolean {
  if (dirname(path) !== base.directory) return true
  const name = basename(path)
  return names.has(name) && name !== base.name && liveNameOf(name) !== base.name
}

/** Gives the file at a path to the homeless generation that was seen in it. A fault: it cannot be told. */
function seek({ generations, seen }: Scan, path: string): Fault | undefined {
  const { files } = generations.options
  const facts = path.endsWith('.gz') ? undefined : files.stat(path)
  if (facts instanceof Fault) return leadsNowhere(facts) ? undefined : facts
  if (facts?.kind !== 'file' || generations.knows(facts)) return undefined
  const unreadFirst = generations.ofFile(facts).toSorted((a, b) => Number(a.finished) - Number(b.finished))
  for (const generation of unreadFirst) {
    const verdict = withFile(files, path, (fd) => recognise(generation, plainCandidate(files, fd, facts)))
    if (verdict instanceof Fault) return verdict
    if (verdict !== 'same') continue
    generations.giveHome(generation, { path, facts })
    seen.add(generation)
    return undefined
  }
  return undefined
}

/** Two complete scans without a generation's file: what is done with is put by, what is unread is homeless, then lost. */
export function missUnseen(scan: Scan): void {
  const { generations, seen, isComplete } = scan
  for (const generation of [...generations.done, ...generations.reading]) {
    if (seen.has(generation) || generation === generations.live) continue
    if (isComplete) generation.missedScans += 1
    if (isComplete && generation.missedScans < SCANS) generations.scanWanted = true
    else if (!generation.isOpen && isGone(scan, generation)) generations.orphan(generation)
  }
  for (const generation of isComplete ? [...generations.homeless] : []) {
    generation.missedScans += 1
    const { finished, lossReported, missedScans } = generation
    if (missedScans >= SCANS && !finished && !lossReported) generations.giveUp(generation)
  }
  generations.forgetGone()
}

/** Not under its last name either, which may have no known form: there it can be written to, however long it has been done with. */
function isGone(scan: Scan, generation: Generation): boolean {
  const { generations, nowMs } = scan
  const { lastPath: path, identity } = generation
  const facts = generations.options.files.stat(path)
  if (facts instanceof Fault && !leadsNowhere(facts)) return false
  if (facts instanceof Fault || !isIdentity(facts, identity)) return scan.isComplete || isOutOfSight(scan, generation)
  generations.meetAt(generation, { path, facts }, nowMs)
  if (generation.finished) scan.refusal ??= generation.fault
  return generation.isReplaced
}

/**
 * Done with, and not where it was, while something cannot be looked at: kept no longer than what is gone, as that may last
 * for any number of rotations. Without a listing that is so of what has left the live path only: the names of others move on.
 */
function isOutOfSight({ refusal, names, livePath: { base } }: Scan, { finished, lastPath }: Generation): boolean {
  if (!finished || !refusal) return false
  return names.size > 0 || lastPath === join(base.directory, base.name)
}
