import { plainCandidate } from './candidate.ts'
import { stateOf } from './decisions.ts'
import { Fault, type FileFacts, type Files, withFile } from './files.ts'
import type { Generation } from './generation.ts'
import { isIdentity } from './identity.ts'
import type { Lineage } from './lineage.ts'
import type { Place } from './place.ts'
import { recognise } from './recognition.ts'
import type { Roster } from './roster.ts'

/**
 * A file that has two names is read under one: hard links, a link beside what it points to, and above all a file that
 * was renamed to a name that a pattern means, too. It stays with the lineage that has known it first, which is told where
 * it is now.
 */
export interface Elsewhere {
  /** Whether a file, at the live path of `lineage` or beside it, is read by another one. A fault: it cannot be told now. */
  isElsewhere(lineage: Lineage, place: Place, nowMs: number): boolean | Fault
}

export interface ElsewhereOptions {
  readonly roster: Roster
  readonly files: Files
  /** There may be something to read in `lineage`. */
  onNews(lineage: Lineage): void
}

export function createElsewhere({ roster, files, onNews }: ElsewhereOptions): Elsewhere {
  /** Lineages whose live file is another's: in which state of the file that was found out, and whose it is. */
  const found = new WeakMap<Lineage, { readonly state: string; readonly generation: Generation }>()

  function isFound(lineage: Lineage, generation: Generation, { path, facts }: Place): boolean {
    const known = found.get(lineage)
    if (path !== lineage.options.path || known?.generation !== generation) return false
    return known.state === stateOf(facts) && generation.place !== undefined
  }

  function isOf(generation: Generation, { path, facts }: Place): boolean | Fault {
    if (generation.isOpen && !generation.isReplaced) return true
    const verdict = withFile(files, path, (fd, now) =>
      isIdentity(now, facts) ? recognise(generation, plainCandidate(files, fd, now)) : 'other',
    )
    return verdict instanceof Fault ? verdict : verdict === 'same'
  }

  /** Tells the owner where its file is. */
  function tell(owner: Lineage, generation: Generation, { place, nowMs }: { place: Place; nowMs: number }): void {
    if (generation.place) owner.generations.meetAt(generation, place, nowMs)
    else owner.generations.giveHome(generation, place)
  }

  return {
    isElsewhere(lineage, place, nowMs) {
      const { path, facts } = place
      const owner = roster.knowing(facts)
      if (!owner || owner === lineage) return false
      for (const generation of owner.generations.ofFile(facts)) {
        if (generation === owner.generations.live && isAt(files, owner.options.path, facts)) return true
        const same = isFound(lineage, generation, place) || isOf(generation, place)
        if (same instanceof Fault) return same
        if (!same) continue
        if (path === lineage.options.path) {
          found.set(lineage, { state: stateOf(facts), generation })
          generation.aliveAtMs = performance.now()
        }
        if (generation !== owner.generations.live) tell(owner, generation, { place, nowMs })
        if (!generation.isSettled) onNews(owner)
        return true
      }
      return false
    },
  }
}

function isAt(files: Files, path: string, facts: FileFacts): boolean {
  const now = files.stat(path)
  return !(now instanceof Fault) && isIdentity(now, facts)
}
