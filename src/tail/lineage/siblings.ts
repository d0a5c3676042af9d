import { FINGERPRINT_BYTES } from '../../checkpoint/registry.ts'
import { Fault, isAbsent, TooEarly, withFile } from '../file/files.ts'
import { type FileIdentity, isIdentity } from '../file/identity.ts'
import type { Place } from '../file/place.ts'
import type { Generations } from '../generation/generations.ts'
import { isHistory, noteHistory } from '../generation/history.ts'
import { reportUnseen } from '../generation/losses.ts'
import { lookElsewhere, missUnseen } from './absence.ts'
import { plainCandidate } from './candidate.ts'
import { type Around, judge } from './judgement.ts'
import type { LivePath } from './live-path.ts'
import type { Retention } from './retention.ts'
import { isArchive, rotatedFiles } from './rotated-files.ts'
import { refuse, type Scan } from './scan.ts'
import { matchByIdentity } from './sighting.ts'

interface Scanned {
  readonly generations: Generations
  readonly livePath: LivePath
  readonly retention: Retention
}

/**
 * Brings generations up to date with the files in the directory of their live path: known files get their current name, the
 * file that has arrived at the live path and unknown files beside it are recognised or new, missing files are noticed. File
 * identity takes precedence over content, so that files of the same content are not confused. Returns the unknown archives:
 * inspecting them takes time.
 */
export function scanSiblings({ generations, livePath, retention }: Scanned, nowMs: number): readonly Place[] {
  const { decisions, options } = generations
  const listing = options.listings.list(livePath.base.directory)
  const isListed = !(listing instanceof Fault)
  // If the directory is gone, so is every file in it, as certainly as if each were seen to be missing.
  const isGone = listing instanceof Fault && isAbsent(listing)
  const names = isListed ? listing.names : new Set<string>()
  const scan: Scan = { generations, livePath, nowMs, names, seen: new Set(), isComplete: true, refusal: undefined }
  if (!isListed && !isGone) refuse(scan, listing, 'directory')
  const sightings = rotatedFiles(scan, listing)
  for (const { facts } of sightings) if (!generations.knows(facts)) generations.recall(facts)
  // An unknown file may hold what a known one held until it was truncated: verify the known ones first.
  if (sightings.some(({ facts }) => !generations.knows(facts))) verify(scan)
  const strangers = sightings.filter(
    (sighting) => !matchByIdentity(scan, sighting) && !isOwnedElsewhere(scan, sighting),
  )
  livePath.assignArrival((candidate) => judge(candidate, { ...scan, isMissing: () => false, isLive: true }))
  if (livePath.error !== undefined && livePath.missing === 0) scan.isComplete = false
  if (generations.live) scan.seen.add(generations.live)
  const archives = strangers.filter((stranger) => !decisions.has(stranger.facts) && isArchive(scan, stranger))
  // A file that has arrived at the live path may itself, behind a link, have the name of a rotated one.
  const plain = strangers.filter(
    ({ path, facts }) => !path.endsWith('.gz') && !decisions.isCopy(facts) && !generations.knows(facts),
  )
  const isMissing = (file: FileIdentity) => scan.isComplete && !isThere(scan, file, sightings)
  for (const stranger of plain) receive(scan, stranger, isMissing)
  lookElsewhere(scan)
  if (scan.isComplete) for (const lost of decisions.refusedAndGone(sightings)) reportUnseen(options.log, lost)
  if (isListed || isGone) decisions.retain(strangers)
  if (archives.length > 0 || decisions.isWaiting) scan.isComplete = false
  generations.seen = scan.seen
  const rotated = sightings.filter(({ facts }) => !isLive(scan, facts))
  if (isListed) retention.observe(livePath.base.name, rotated)
  missUnseen(scan)
  // After a start every archive is unplaced until it has been inspected, and every file while its volume is not mounted.
  const isEmpty = sightings.length === 0 && !generations.live
  if (archives.length === 0 && !decisions.isWaiting && !isEmpty) {
    generations.forgetGone(sightings.map(({ facts }) => facts).filter((facts) => !generations.knows(facts)))
  }
  // A refusal may be transient: it is reported when the next scan finds it again.
  if (scan.refusal && !generations.refusal) generations.scanWanted = true
  generations.refusal = scan.refusal
  for (const archive of archives) noteHistory(generations, archive, nowMs)
  if (isListed) generations.start.unseen.siblings = false
  return archives
}

function isThere(scan: Scan, file: FileIdentity, sightings: readonly Place[]): boolean {
  return sightings.some(({ facts }) => isIdentity(facts, file)) || isLive(scan, file)
}

function isLive({ generations: { live } }: Scan, file: FileIdentity): boolean {
  return live !== undefined && isIdentity(live.identity, file)
}

/** Verifies that the files being read still hold what was read from them. */
function verify({ generations, livePath, nowMs }: Scan): void {
  for (const generation of [...generations.reading]) {
    if (generation.verify() || !generation.isReplaced) continue
    const isLive = generation === generations.live
    generations.detach(generation)
    if (isLive) livePath.look(nowMs)
  }
}

/** Whether another lineage knew the file first. */
function isOwnedElsewhere(scan: Scan, sighting: Place): boolean {
  const { generations, nowMs } = scan
  const elsewhere = generations.options.isOwnedElsewhere(sighting, nowMs)
  if (!(elsewhere instanceof Fault)) return elsewhere
  scan.isComplete = false
  generations.scanWanted = true
  return true
}

/** Handles a plain file whose identity is unknown. */
function receive(scan: Scan, { path, facts }: Place, isMissing: Around['isMissing']): void {
  const { generations } = scan
  const { options, decisions } = generations
  const { files } = options
  // A copy grows while it is made: its metadata are taken at the time of the judgement, not when it was first seen.
  const judged = withFile(files, path, (fd, now) => {
    if (!isIdentity(now, facts)) return new Fault('ENOENT', `${path} is another file now`)
    const candidate = plainCandidate(files, fd, now)
    const judgement = judge(candidate, { ...scan, isMissing, isLive: false })
    if (judgement instanceof Fault) return judgement
    const begin = judgement.kind === 'new' && candidate.bytes(0, Math.min(FINGERPRINT_BYTES, now.size))
    const isPassedOver = begin instanceof Buffer && isHistory(generations, { facts: now, begin }, false)
    return { judgement, isPassedOver, place: { path, facts: now } }
  })
  if (judged instanceof Fault) {
    decisions.postpone({ path, facts }, judged)
    if (!(judged instanceof TooEarly)) noteHistory(generations, { path, facts }, scan.nowMs)
    return
  }
  const { judgement, isPassedOver, place } = judged
  decisions.clear(facts)
  if (judgement.kind === 'wait') {
    scan.isComplete = false
    generations.scanWanted = true
  } else if (judgement.kind === 'copy') {
    decisions.ignore(facts)
  } else {
    const generation = judgement.kind === 'home' ? judgement.generation : generations.discover(place)
    if (isPassedOver) generation.finish()
    generations.attach(generation, place)
    scan.seen.add(generation)
  }
}
