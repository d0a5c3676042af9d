import { basename, join } from 'node:path'
import { Fault, isAbsent, withFile } from './files.ts'
import type { Generation, Place } from './generation.ts'
import { isIdentity } from './identity.ts'
import { judge } from './judgement.ts'
import type { Lineage } from './lineage.ts'
import { plainCandidate, recognise } from './recognition.ts'
import { compareAge, parseRotatedName } from './rotated-name.ts'

/** One look at the directory of a lineage. */
interface Scan {
  readonly lineage: Lineage
  readonly nowMs: number
  readonly names: ReadonlySet<string>
  /** Generations whose file is there. */
  readonly seen: Set<Generation>
  /** Everything could be looked at, so that what was not seen is not there. */
  isComplete: boolean
}

/**
 * Brings a lineage up to date with the files in its directory: what is known gets its present name, the file that has
 * arrived at the live path and the strangers beside it are recognised or new, what is gone is noticed. The file's own
 * identity goes before content, so that files of the same content are not confused. Returns the archives that nobody
 * knows: looking into them takes time.
 */
export function scanSiblings(lineage: Lineage, nowMs: number): readonly Place[] {
  const listing = lineage.options.listings.list(lineage.livePath.base.directory)
  const isListed = !(listing instanceof Fault)
  // With its directory every file is gone, which is as well known as when they go one by one.
  const isGone = listing instanceof Fault && isAbsent(listing)
  const names = isListed ? listing.names : new Set<string>()
  const scan: Scan = {
    lineage,
    nowMs,
    names,
    seen: new Set(),
    isComplete: isListed || isGone,
  }
  const sightings = isListed ? look(scan, listing.rotatedOf(lineage.livePath.base.name)) : []
  for (const { facts } of sightings) if (!lineage.knows(facts)) lineage.recall(facts)
  // A stranger may hold what a known file held until it was truncated: be sure of the known ones first.
  if (sightings.some(({ facts }) => !lineage.knows(facts))) lineage.verify(nowMs)
  const strangers = sightings.filter((sighting) => !meet(scan, sighting) && !isElsewhere(scan, sighting))
  lineage.livePath.seat((candidate) => judge(candidate, { ...scan, isLive: true }))
  if (lineage.livePath.error !== undefined) scan.isComplete = false
  if (lineage.live) scan.seen.add(lineage.live)
  const archives = strangers.filter(({ path, facts }) => isArchive(scan, path) && !lineage.decisions.has(facts))
  const plain = strangers.filter(({ path, facts }) => !path.endsWith('.gz') && !lineage.decisions.isCopy(facts))
  for (const stranger of plain) receive(scan, stranger)
  lookElsewhere(scan)
  if (isListed || isGone) lineage.decisions.retain(strangers)
  if (archives.length > 0 || lineage.decisions.isWaiting) scan.isComplete = false
  lineage.seen = scan.seen
  if (isListed) lineage.retention.observe(lineage.livePath.base.name, sightings)
  if (scan.isComplete) missAbsent(scan)
  if (isListed) lineage.unseen.siblings = false
  return archives
}

/** The rotated files, oldest first. */
function look(scan: Scan, names: readonly string[]): Place[] {
  const { files } = scan.lineage.options
  const { directory, name } = scan.lineage.livePath.base
  const places: Place[] = []
  for (const sibling of names) {
    const path = join(directory, sibling)
    const facts = files.stat(path)
    if (facts instanceof Fault) scan.isComplete &&= isAbsent(facts)
    else if (facts.kind === 'file') places.push({ path, facts })
  }
  return places
    .map((place) => ({ place, name: parseRotatedName(basename(place.path), name), mtimeMs: place.facts.mtimeMs }))
    .sort(compareAge)
    .map(({ place }) => place)
}

/** A `.gz` beside its plain file is a copy, perhaps one that is being written. */
function isArchive({ names }: Scan, path: string): boolean {
  return path.endsWith('.gz') && !names.has(basename(path, '.gz'))
}

/** Whether the file's own identity tells whose it is. */
function meet(scan: Scan, sighting: Place): boolean {
  const { lineage, nowMs } = scan
  const { facts } = sighting
  for (const generation of lineage.ofFile(facts)) {
    const verdict = isStill(scan, generation, sighting)
    if (verdict === 'other') continue
    // It need not be missed twice when it is seen where it is now.
    if (generation === lineage.live && lineage.livePath.missing > 0) lineage.leave(nowMs)
    if (verdict === 'unclear') scan.isComplete = false
    else if (!generation.place) lineage.settle(generation, sighting)
    if (generation === lineage.live) generation.observe(facts, nowMs)
    else lineage.meetAt(generation, sighting, nowMs)
    if (generation.isReplaced && generation !== lineage.live) {
      lineage.orphan(generation)
      continue
    }
    scan.seen.add(generation)
    generation.missedScans = 0
    return true
  }
  return false
}

/** Whether the file with the identity of a generation's file still is that file: inodes are used again. */
function isStill(scan: Scan, generation: Generation, { path, facts }: Place): 'same' | 'other' | 'unclear' {
  const { lineage } = scan
  const { place } = generation
  if (generation.isOpen && !generation.isReplaced) return 'same'
  if (place && place.facts.size === facts.size && place.facts.mtimeMs === facts.mtimeMs) return 'same'
  if (path.endsWith('.gz')) {
    // An archive is recognised by what is in it.
    if (place) lineage.orphan(generation)
    return 'other'
  }
  // Without a birth time the content has more to say than an inode that may have been used again.
  if (!place && facts.birth === '0') return 'other'
  const verdict = withFile(lineage.options.files, path, (fd) =>
    recognise(generation, plainCandidate(lineage.options.files, fd, facts)),
  )
  if (verdict instanceof Fault) return 'unclear'
  if (verdict === 'same') return 'same'
  if (place) lineage.orphan(generation)
  return 'other'
}

/** Whether another lineage has known it first. */
function isElsewhere(scan: Scan, sighting: Place): boolean {
  const elsewhere = scan.lineage.options.isElsewhere(sighting, scan.nowMs)
  if (!(elsewhere instanceof Fault)) return elsewhere
  scan.isComplete = false
  scan.lineage.scanWanted = true
  return true
}

/** A plain file that nobody knows by its identity. */
function receive(scan: Scan, { path, facts }: Place): void {
  const { lineage } = scan
  const { files } = lineage.options
  // A copy grows while it is made: it is taken as it was when it was judged, not as it was when it was first seen.
  const judged = withFile(files, path, (fd, now) => {
    if (!isIdentity(now, facts)) return new Fault('ENOENT', `${path} is another file now`)
    const judgement = judge(plainCandidate(files, fd, now), { ...scan, isLive: false })
    return judgement instanceof Fault ? judgement : { judgement, place: { path, facts: now } }
  })
  if (judged instanceof Fault) {
    lineage.decisions.postpone({ path, facts }, judged)
    return
  }
  const { judgement, place } = judged
  lineage.decisions.settle(facts)
  if (judgement.kind === 'wait') {
    scan.isComplete = false
    lineage.scanWanted = true
  } else if (judgement.kind === 'copy') {
    lineage.decisions.ignore(facts)
  } else {
    const generation = judgement.kind === 'home' ? judgement.generation : lineage.discover(place)
    lineage.settle(generation, place)
    scan.seen.add(generation)
  }
}

/** A homeless generation may lie under a name of no known form, or behind a link: then only the same file will do. */
function lookElsewhere(scan: Scan): void {
  const { lineage, names, seen } = scan
  const { files } = lineage.options
  const { directory, name } = lineage.livePath.base
  const stem = name.slice(0, Math.max(1, name.lastIndexOf('.')))
  const wanted = lineage.homeless.filter((generation) => !generation.finished)
  if (wanted.length === 0) return
  const alike = [...names].filter((other) => other !== name && other.startsWith(stem))
  const lastPaths = wanted.map(({ lastPath }) => lastPath).filter((path) => path !== join(directory, name))
  for (const path of [...alike.map((other) => join(directory, other)), ...lastPaths]) {
    const facts = path.endsWith('.gz') ? undefined : files.stat(path)
    if (facts instanceof Fault) scan.isComplete &&= isAbsent(facts)
    if (!facts || facts instanceof Fault || facts.kind !== 'file' || lineage.knows(facts)) continue
    const generation = wanted.find(({ identity, place }) => !place && isIdentity(identity, facts))
    if (!generation) continue
    const verdict = withFile(files, path, (fd) => recognise(generation, plainCandidate(files, fd, facts)))
    if (verdict instanceof Fault) scan.isComplete = false
    if (verdict !== 'same') continue
    lineage.settle(generation, { path, facts })
    seen.add(generation)
  }
}

/** Two complete scans without a generation's file: what is done with is put by, what is unread is homeless, then lost. */
function missAbsent({ lineage, seen }: Scan): void {
  for (const generation of [...lineage.done, ...lineage.reading]) {
    if (seen.has(generation) || generation === lineage.live) continue
    generation.missedScans += 1
    if (generation.missedScans < 2) lineage.scanWanted = true
    else if (!generation.isOpen && !isAtLastPath(lineage, generation)) lineage.orphan(generation)
  }
  for (const generation of [...lineage.homeless]) {
    if (generation.finished || generation.lossReported) continue
    generation.missedScans += 1
    if (generation.missedScans >= 2) lineage.giveUp(generation)
  }
  lineage.forgetGone()
}

/** Found under its last name, though that has no known form. */
function isAtLastPath(lineage: Lineage, generation: Generation): boolean {
  const facts = lineage.options.files.stat(generation.lastPath)
  return !(facts instanceof Fault) && isIdentity(facts, generation.identity)
}
