import { stateOf } from './decisions.ts'
import { Fault, type FileFacts, type Files } from './files.ts'
import type { Generation } from './generation.ts'
import type { Lineage } from './lineage.ts'
import { isIdentity, plainCandidate, recognise, withFile } from './recognition.ts'
import type { Roster } from './roster.ts'

/**
 * A file that has two names is read under one: hard links, a link beside what it points to, and above all a file that
 * was renamed to a name that a pattern means, too. It stays with the lineage that has known it first, which is told where
 * it is now.
 */
export interface Elsewhere {
  /** Whether the file at the live path of `lineage` is read by another one. A fault: it cannot be told now. */
  isElsewhere(lineage: Lineage, facts: FileFacts, nowMs: number): boolean | Fault
}

export interface ElsewhereOptions {
  readonly roster: Roster
  readonly files: Files
  /** There may be something to read in `lineage`. */
  onNews(lineage: Lineage): void
}

export function createElsewhere({ roster, files, onNews }: ElsewhereOptions): Elsewhere {
  /** Lineages whose file is another's: in which state of the file that was found out, and whose it is. */
  const found = new WeakMap<Lineage, { readonly state: string; readonly generation: Generation }>()

  function isOf(generation: Generation, path: string, facts: FileFacts): boolean | Fault {
    if (generation.isOpen && !generation.isReplaced) return true
    const verdict = withFile(files, path, (fd, now) =>
      isIdentity(now, facts) ? recognise(generation, plainCandidate(files, fd, now)) : 'other',
    )
    return verdict instanceof Fault ? verdict : verdict === 'same'
  }

  function note(owner: Lineage, generation: Generation, at: { path: string; facts: FileFacts; nowMs: number }): void {
    const { path, facts, nowMs } = at
    generation.aliveAtMs = nowMs
    if (generation !== owner.live) {
      if (!generation.place) owner.settle(generation, { path, facts })
      else {
        generation.observe(facts, nowMs)
        owner.meetAt(generation, path)
      }
    }
    if (!generation.isSettled) onNews(owner)
  }

  return {
    isElsewhere(lineage, facts, nowMs) {
      const { path } = lineage.options
      const owner = roster.knowing(facts)
      if (!owner || owner === lineage) return false
      const known = found.get(lineage)
      for (const generation of owner.ofFile(facts)) {
        if (generation === owner.live && isAt(files, owner.options.path, facts)) return true
        const isKnown = known?.generation === generation && known.state === stateOf(facts) && generation.place
        const same = isKnown ? true : isOf(generation, path, facts)
        if (same instanceof Fault) return same
        if (!same) continue
        found.set(lineage, { state: stateOf(facts), generation })
        note(owner, generation, { path, facts, nowMs })
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
