import { join } from 'node:path'
import { plainCandidate } from './candidate.ts'
import { Fault, isAbsent, withFile } from './files.ts'
import type { Generation } from './generation.ts'
import type { Generations } from './generations.ts'
import { isIdentity } from './identity.ts'
import { recognise } from './recognition.ts'
import type { Scan } from './scan.ts'

/** A homeless generation may lie under a name of no known form, or behind a link: then only the same file will do. */
export function lookElsewhere(scan: Scan): void {
  const { generations, livePath, names, seen } = scan
  const { files } = generations.options
  const { directory, name } = livePath.base
  const stem = name.slice(0, Math.max(1, name.lastIndexOf('.')))
  const wanted = generations.homeless.filter((generation) => !generation.finished)
  if (wanted.length === 0) return
  const alike = [...names].filter((other) => other !== name && other.startsWith(stem))
  const lastPaths = wanted.map(({ lastPath }) => lastPath).filter((path) => path !== join(directory, name))
  for (const path of [...alike.map((other) => join(directory, other)), ...lastPaths]) {
    const facts = path.endsWith('.gz') ? undefined : files.stat(path)
    if (facts instanceof Fault) scan.isComplete &&= isAbsent(facts)
    if (!facts || facts instanceof Fault || facts.kind !== 'file' || generations.knows(facts)) continue
    const generation = wanted.find(({ identity, place }) => !place && isIdentity(identity, facts))
    if (!generation) continue
    const verdict = withFile(files, path, (fd) => recognise(generation, plainCandidate(files, fd, facts)))
    if (verdict instanceof Fault) scan.isComplete = false
    if (verdict !== 'same') continue
    generations.giveHome(generation, { path, facts })
    seen.add(generation)
  }
}

/** Two complete scans without a generation's file: what is done with is put by, what is unread is homeless, then lost. */
export function missAbsent({ generations, seen }: Scan): void {
  for (const generation of [...generations.done, ...generations.reading]) {
    if (seen.has(generation) || generation === generations.live) continue
    generation.missedScans += 1
    if (generation.missedScans < 2) generations.scanWanted = true
    else if (!generation.isOpen && !isAtLastPath(generations, generation)) generations.orphan(generation)
  }
  for (const generation of [...generations.homeless]) {
    if (generation.finished || generation.lossReported) continue
    generation.missedScans += 1
    if (generation.missedScans >= 2) generations.giveUp(generation)
  }
  generations.forgetGone()
}

/** Found under its last name, though that has no known form. */
function isAtLastPath({ options: { files } }: Generations, generation: Generation): boolean {
  const facts = files.stat(generation.lastPath)
  return !(facts instanceof Fault) && isIdentity(facts, generation.identity)
}
