import { plainCandidate } from './candidate.ts'
import { Fault, withFile } from './files.ts'
import type { Generation } from './generation.ts'
import type { Place } from './place.ts'
import { recognise } from './recognition.ts'
import { refuse, type Scan } from './scan.ts'

/** Whether the own identity of a file that was seen tells whose it is; its generation then goes by its present name. */
export function meet(scan: Scan, sighting: Place): boolean {
  const { generations, livePath, nowMs } = scan
  const { facts } = sighting
  for (const generation of generations.ofFile(facts)) {
    const verdict = isStill(scan, generation, sighting)
    if (verdict === 'other') continue
    // It need not be missed twice when it is seen where it is now.
    if (generation === generations.live && livePath.missing > 0) generations.leave()
    if (verdict instanceof Fault) refuse(scan, verdict)
    else if (!generation.place) generations.giveHome(generation, sighting)
    if (generation === generations.live) generation.observe(facts, nowMs)
    else generations.meetAt(generation, sighting, nowMs)
    if (generation.isReplaced && generation !== generations.live) {
      generations.orphan(generation)
      continue
    }
    scan.seen.add(generation)
    generation.missedScans = 0
    return true
  }
  return false
}

/** Whether the file with the identity of a generation's file still is that file: inodes are used again. A fault: it cannot be told. */
function isStill({ generations }: Scan, generation: Generation, { path, facts }: Place): 'same' | 'other' | Fault {
  const { files } = generations.options
  const { place } = generation
  if (generation.isOpen && !generation.isReplaced) return 'same'
  if (place && place.facts.size === facts.size && place.facts.mtimeMs === facts.mtimeMs) return 'same'
  if (path.endsWith('.gz')) {
    // An archive is recognised by what is in it.
    if (place) generations.orphan(generation)
    return 'other'
  }
  // Without a birth time the content has more to say than an inode that may have been used again.
  if (!place && facts.birth === '0') return 'other'
  const verdict = withFile(files, path, (fd) => recognise(generation, plainCandidate(files, fd, facts)))
  if (verdict instanceof Fault || verdict === 'same') return verdict
  if (place) generations.orphan(generation)
  return 'other'
}
