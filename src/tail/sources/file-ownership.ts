import { Fault, type FileFacts, type Files, TooEarly, withFile } from '../file/files.ts'
import { isClone, isIdentity } from '../file/identity.ts'
import { NO_PLACE, type Place } from '../file/place.ts'
import { stateOf } from '../generation/decisions.ts'
import type { Generation } from '../generation/generation.ts'
import { recognise } from '../generation/recognition.ts'
import { type Candidate, plainCandidate } from '../lineage/candidate.ts'
import type { Lineage } from '../lineage/lineage.ts'
import type { LineageIndex } from './lineage-index.ts'

/**
 * A file with two names is read under one: hard links, a link beside its target, and above all a file renamed to another
 * name that a pattern matches. It stays with the lineage that knew it first, which is told where it is now. A file and
 * its clone on another volume are two files, though only the device tells them apart.
 */
export interface FileOwnership {
  /** Whether a file, at the live path of `lineage` or beside it, is read by another one. A fault if undecidable now. */
  isOwnedElsewhere(lineage: Lineage, place: Place, nowMs: number): boolean | Fault
}

export interface FileOwnershipOptions {
  readonly lineageIndex: LineageIndex
  readonly files: Files
  /** There may be something to read in `lineage`. */
  onNews(lineage: Lineage): void
}

/** A file, and the lineage that came upon it. */
interface Asked {
  readonly lineage: Lineage
  readonly place: Place
}

const NOT_LOOKED_FOR = new TooEarly('it may be a file that is looked for beside another path first')

export function createFileOwnership({ lineageIndex, files, onNews }: FileOwnershipOptions): FileOwnership {
  /** For lineages whose live file belongs to another: the generation, and the state of the file when that was found. */
  const found = new WeakMap<Lineage, { readonly state: string; readonly generation: Generation }>()

  function isFound(lineage: Lineage, generation: Generation, { path, facts }: Place): boolean {
    const known = found.get(lineage)
    if (path !== lineage.options.path || known?.generation !== generation) return false
    return known.state === stateOf(facts) && generation.place?.facts.dev === facts.dev
  }

  function isOf(owner: Lineage, generation: Generation, { lineage, place }: Asked): boolean | Fault {
    const { path, facts } = place
    const own = generation.isOpen ? generation.look() : NO_PLACE
    if (!(own instanceof Fault) && own.dev === facts.dev && !generation.isReplaced) return true
    if (isClonedFrom(owner, generation, { facts, own })) return false
    // The generation's file is not at hand: it is gone, or its volume now has another device. Content decides, once its
    // lineage has scanned.
    if (!owner.hasScanned && generation.identity.dev !== facts.dev) return NOT_LOOKED_FOR
    const verdict = withFile(files, path, (fd, now) => {
      const candidate = plainCandidate(files, fd, now)
      return isIdentity(now, facts) && !isOwn(lineage, candidate) ? recognise(generation, candidate) : 'other'
    })
    return verdict instanceof Fault ? verdict : verdict === 'same'
  }

  /** Whether the generation's file exists on another device: at a known path, or deleted but still open. */
  function isClonedFrom(
    { options }: Lineage,
    { place, lastPath }: Generation,
    { facts, own }: { readonly facts: FileFacts; readonly own: FileFacts | Fault },
  ): boolean {
    const isOriginal = (file: FileFacts | Fault) => !(file instanceof Fault) && isClone(file, facts)
    const isDeleted = !(own instanceof Fault) && own.links === 0
    return (
      (isDeleted && isOriginal(own)) ||
      isOriginal(files.stat(place?.path ?? lastPath)) ||
      isOriginal(files.stat(options.path))
    )
  }

  /** Tells the owner where its file is. */
  function tell(owner: Lineage, generation: Generation, { place, nowMs }: { place: Place; nowMs: number }): void {
    if (generation.place) owner.generations.foundAt(generation, place, nowMs)
    else owner.generations.attach(generation, place)
  }

  /** Yields generations of other lineages that may be in this file. */
  function* suspects(lineage: Lineage, facts: FileFacts): Iterable<readonly [Lineage, Generation]> {
    for (const owner of lineageIndex.knowing(facts)) {
      if (owner === lineage) continue
      for (const generation of owner.generations.ofFile(facts)) yield [owner, generation]
    }
  }

  return {
    isOwnedElsewhere(lineage, place, nowMs) {
      const { path, facts } = place
      for (const [owner, generation] of suspects(lineage, facts)) {
        if (generation === owner.generations.live && isAt(files, owner.options.path, facts)) return true
        const same = isFound(lineage, generation, place) || isOf(owner, generation, { lineage, place })
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
  return !(now instanceof Fault) && isIdentity(now, facts) && !isClone(now, facts)
}

/** Whether the lineage already knows the content: of a file and its clone, each stays with the lineage of its own path. */
function isOwn({ generations }: Lineage, candidate: Candidate): boolean {
  const { facts } = candidate
  return facts.birth !== '0' && generations.ofFile(facts).some((known) => recognise(known, candidate) === 'same')
}
