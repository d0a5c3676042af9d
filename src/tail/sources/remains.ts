import { basename, dirname, join } from 'node:path'
import type { GenerationRecord } from '../../checkpoint/registry.ts'
import { Fault, type FileFacts, type Files, isAbsent, leadsNowhere } from '../file/files.ts'
import { isIdentity } from '../file/identity.ts'
import type { DirectoryListings } from '../names/directory-listings.ts'
import { liveNameOf, namesAlike } from '../names/rotated-name.ts'

interface Surroundings {
  readonly files: Files
  readonly listings: DirectoryListings
  /** Whether the file at a path is tailed as a live one. */
  isLive(path: string): boolean
}

/** What is left of files whose live paths have none now. Made for one look: it keeps what it has seen of a directory. */
export class Remains {
  readonly #around: Surroundings
  /** The names in a directory under which something may be left. */
  readonly #names = new Map<string, readonly string[] | Fault>()
  readonly #facts = new Map<string, FileFacts | Fault>()

  constructor(around: Surroundings) {
    this.#around = around
  }

  /**
   * Whether anything is left, where its lineage would look, of the recorded files of a live path. A fault if that cannot be
   * told now.
   */
  has(path: string, records: readonly GenerationRecord[]): boolean | Fault {
    const own = this.#around.listings.list(dirname(path))
    if (!(own instanceof Fault) && own.rotatedOf(basename(path)).length > 0) return true
    let fault: Fault | undefined
    for (const place of new Set([path, ...records.flatMap(({ lastPath }) => besides(lastPath, path))])) {
      const directory = dirname(place)
      const names = this.#namesIn(directory)
      if (names instanceof Fault) {
        fault = isAbsent(names) ? fault : names
        continue
      }
      const name = basename(place)
      for (const other of [...names.filter((one) => one === name), ...namesAlike(name, names)]) {
        const facts = this.#factsOf(join(directory, other))
        if (facts instanceof Fault) fault = leadsNowhere(facts) ? fault : facts
        else if (records.some((record) => isIdentity(record, facts))) return true
      }
    }
    return fault ?? false
  }

  /** Without archives: their content is not recognised by the identity of the file. */
  #namesIn(directory: string): readonly string[] | Fault {
    const known = this.#names.get(directory)
    if (known) return known
    const { listings, isLive } = this.#around
    const listing = listings.list(directory)
    const names =
      listing instanceof Fault
        ? listing
        : [...listing.names].filter((name) => !name.endsWith('.gz') && !isLive(join(directory, name)))
    this.#names.set(directory, names)
    return names
  }

  #factsOf(path: string): FileFacts | Fault {
    const facts = this.#facts.get(path) ?? this.#around.files.stat(path)
    this.#facts.set(path, facts)
    return facts
  }
}

/** Where a file was last seen. In another directory, which a link led to, it may have been rotated. */
function besides(lastPath: string, path: string): readonly string[] {
  const live = dirname(lastPath) === dirname(path) ? undefined : liveNameOf(lastPath)
  return live === undefined ? [lastPath] : [join(dirname(lastPath), live), lastPath]
}
