import { join } from 'node:path'
import { Fault, type FileFacts } from './files.ts'
import type { Generation, Place } from './generation.ts'
import type { Lineage } from './lineage.ts'
import { isIdentity, plainCandidate, recognise, withFile } from './recognition.ts'

/**
 * Looks at the rotated files beside a live path. Known ones get their present name; homeless generations find their
 * content; what nobody knows is new and unread. Returns the archives that have to be looked into, which takes time.
 */
export function scanSiblings(lineage: Lineage, nowMs: number): readonly Place[] {
  const { files, listings } = lineage.options
  const { directory, name } = lineage.base
  const listing = listings.list(directory)
  if (listing instanceof Fault) return []
  const archives: Place[] = []
  const seen = new Set<Generation>()
  let unobservable = false
  for (const sibling of listing.rotatedOf(name)) {
    const path = join(directory, sibling)
    const facts = files.stat(path)
    if (facts instanceof Fault) {
      if (facts.code !== 'ENOENT') unobservable = true
      continue
    }
    if (facts.kind !== 'file') continue
    const known = [...lineage.reading, ...lineage.done].find((other) => isIdentity(other.identity, facts))
    if (known) {
      seen.add(known)
      meet(lineage, { known, path, facts }, nowMs)
    } else if (!sibling.endsWith('.gz')) {
      const found = consider(lineage, path, nowMs)
      if (found instanceof Fault) unobservable = true
      else if (found) seen.add(found)
    } else if (!listing.names.has(sibling.slice(0, -3)) && lineage.decided.get(path) !== stateOf(facts)) {
      archives.push({ path, facts })
    }
  }
  lookElsewhere(lineage, listing.names)
  if (unobservable) lineage.scanWanted = true
  else forget(lineage, seen, archives.length > 0)
  return archives
}

/** What a decision about a file depends on. */
export function stateOf(facts: FileFacts): string {
  return `${facts.ino}:${facts.size}:${facts.mtimeMs}`
}

function meet(lineage: Lineage, met: { known: Generation; path: string; facts: FileFacts }, nowMs: number): void {
  const { known, path, facts } = met
  if (known === lineage.live) return
  known.missedScans = 0
  known.lastPath = path
  if (!known.place) return
  known.place = { ...known.place, path }
  const wasFinished = known.finished
  known.observe(facts, nowMs)
  if (known.isReplaced) lineage.orphan(known)
  else if (wasFinished && !known.finished) lineage.insert(known)
}

/** An unknown plain sibling: the home of a homeless generation, a copy of a known one, or new. */
function consider(lineage: Lineage, path: string, nowMs: number): Generation | Fault | undefined {
  const { files, finalQuietMs } = lineage.options
  const found = withFile(files, path, (fd, facts): Generation | Fault | undefined => {
    if (lineage.decided.get(path) === stateOf(facts)) return undefined
    const candidate = plainCandidate(files, fd, facts)
    const verdicts = (generations: readonly Generation[]) =>
      generations.map((generation) => ({ generation, verdict: recognise(generation, candidate) }))
    const home = verdicts(lineage.homeless).find(({ verdict }) => verdict === 'same')?.generation
    const copied = home ? [] : verdicts([...lineage.reading, ...lineage.done, ...lineage.homeless])
    if (copied.some(({ verdict }) => verdict === 'same')) {
      // A copy of what is already known: copytruncate before its truncation, a backup.
      lineage.decided.set(path, stateOf(facts))
      return undefined
    }
    const unreadable = copied.map(({ verdict }) => verdict).find((verdict) => verdict instanceof Fault)
    if (unreadable) return unreadable
    const mayGrow = nowMs - facts.mtimeMs < finalQuietMs
    if (facts.size === 0 || (mayGrow && copied.some(({ verdict }) => verdict === 'young'))) {
      lineage.scanWanted = true
      return undefined
    }
    const generation = home ?? lineage.discover({ path, facts })
    generation.settleIn({ path, facts })
    return generation
  })
  if (found === undefined || found instanceof Fault) return found
  found.rotated = true
  lineage.insert(found)
  return found
}

/** A homeless generation may lie under a name of no known form: then only the same file will do. */
function lookElsewhere(lineage: Lineage, names: ReadonlySet<string>): void {
  const { files } = lineage.options
  const { directory, name } = lineage.base
  const stem = name.slice(0, Math.max(1, name.lastIndexOf('.')))
  for (const generation of lineage.homeless.filter((lost) => !lost.lossReported)) {
    for (const other of names) {
      if (other === name || !other.startsWith(stem)) continue
      const path = join(directory, other)
      const facts = files.stat(path)
      if (facts instanceof Fault || facts.kind !== 'file' || !isIdentity(facts, generation.identity)) continue
      const verdict = withFile(files, path, (fd) => recognise(generation, plainCandidate(files, fd, facts)))
      if (verdict !== 'same') continue
      generation.settleIn({ path, facts })
      lineage.insert(generation)
      break
    }
  }
}

/** Two scans without a generation's file: finished ones are forgotten, unread ones are homeless, then lost. */
function forget(lineage: Lineage, seen: ReadonlySet<Generation>, archivesPending: boolean): void {
  if (archivesPending || lineage.isResolving) return
  for (const generation of [...lineage.done, ...lineage.reading]) {
    if (generation === lineage.live || seen.has(generation) || generation.place?.inflatedSize !== undefined) continue
    if (generation.place?.path === lineage.options.path && !generation.rotated) continue
    generation.missedScans += 1
    if (generation.missedScans < 2) lineage.scanWanted = true
    else if (generation.finished) lineage.done = lineage.done.filter((other) => other !== generation)
    else if (generation.descriptor === undefined && !isElsewhere(lineage, generation)) lineage.orphan(generation)
  }
  for (const generation of [...lineage.homeless]) {
    generation.missedScans += 1
    if (generation.missedScans >= 2) giveUp(lineage, generation)
  }
}

/** Found under its last name, though that has no known form. */
function isElsewhere(lineage: Lineage, generation: Generation): boolean {
  const facts = lineage.options.files.stat(generation.lastPath)
  return !(facts instanceof Fault) && isIdentity(facts, generation.identity)
}

function giveUp(lineage: Lineage, generation: Generation): void {
  if (generation.lossReported) return
  const lost = Math.max(0, ...[...generation.cursors.values()].map((cursor) => generation.size - cursor.position))
  const open = [...generation.cursors.values()].some(
    (cursor) => !cursor.isSettled && cursor.position >= generation.size,
  )
  if (lost === 0 && !open) {
    lineage.homeless = lineage.homeless.filter((other) => other !== generation)
    lineage.options.context.onChange()
    return
  }
  if (lost === 0) return
  generation.lossReported = true
  lineage.options.log.error(
    { path: generation.origin.path, generation: generation.origin.id, bytes: lost },
    'unread bytes are gone: the file was deleted or overwritten before it was read, and no copy of it is beside the live file',
  )
}
