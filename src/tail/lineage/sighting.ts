import { Fault, type FileFacts, withFile } from '../file/files.ts'
import { isCertainIdentity } from '../file/identity.ts'
import type { Place } from '../file/place.ts'
import { CLOCK_TICK_MS, type Generation } from '../generation/generation.ts'
import { isNote } from '../generation/history.ts'
import { recognise } from '../generation/recognition.ts'
import { plainCandidate } from './candidate.ts'
import { refuse, type Scan } from './scan.ts'

/**
 * Whether the identity of a file that was seen tells which generation it belongs to. That generation then gets its current
 * path.
 */
export function matchByIdentity(scan: Scan, sighting: Place): boolean {
  const { generations, livePath, nowMs } = scan
  const { facts } = sighting
  for (const generation of generations.ofFile(facts)) {
    const verdict = confirmIdentity(scan, generation, sighting)
    if (verdict === 'other') continue
    // The live file need not be missed twice if it is seen at a new path.
    if (generation === generations.live && livePath.missing > 0) generations.clearLive()
    if (verdict instanceof Fault) {
      if (!isDone(generation, facts)) {
        refuse(scan, verdict)
        generation.suspect(facts)
      } else if (!generation.place) generation.lastSeenMs = nowMs
    } else if (!generation.place) generations.attach(generation, sighting)
    if (generation === generations.live) generation.observe(facts, nowMs)
    else generations.foundAt(generation, sighting, nowMs)
    if (generation.isReplaced && generation !== generations.live) {
      generations.detach(generation)
      continue
    }
    scan.seen.add(generation)
    generation.missedScans = 0
    return true
  }
  return false
}

/**
 * Whether a file that cannot be opened holds nothing to read: by identity, length and times it is a finished generation. If
 * these mislead, as after a copy over it that keeps its times, the content decides once it can be opened.
 */
export function isDone({ finished, identity, size, lastSeenMs }: Generation, facts: FileFacts): boolean {
  const isUnchanged = facts.size === size && facts.mtimeMs < lastSeenMs - CLOCK_TICK_MS
  return finished && isUnchanged && isCertainIdentity(identity, facts)
}

/** Whether a file with the identity of a generation's file is still that file, as inodes are reused. A fault if undecidable. */
function confirmIdentity(
  { generations }: Scan,
  generation: Generation,
  { path, facts }: Place,
): 'same' | 'other' | Fault {
  const { files } = generations.options
  const { place } = generation
  if (place && place.facts.size === facts.size && place.facts.mtimeMs === facts.mtimeMs) return 'same'
  if (generation.isOpen && !generation.isReplaced && !generation.isArchive) return 'same'
  if (path.endsWith('.gz')) {
    // An archive is recognised by its content.
    if (place) generations.detach(generation)
    return 'other'
  }
  // Without a birth time the content is better evidence than an inode, which may have been reused.
  if (!place && facts.birth === '0') return 'other'
  if (isNote(generation)) return 'other'
  const verdict = withFile(files, path, (fd) => recognise(generation, plainCandidate(files, fd, facts)))
  if (verdict instanceof Fault || verdict === 'same') return verdict
  if (place) generations.detach(generation)
  return 'other'
}
