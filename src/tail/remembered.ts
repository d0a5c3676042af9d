import type { GenerationRecord } from '../checkpoint/registry.ts'
import type { FileFacts } from './files.ts'
import type { FileIdentity } from './generation.ts'

/** What is known of files that no lineage looks after: of sources that are gone, and of files that are. */
export interface Remembered {
  /** Records of a live path. Taken: who takes them looks after them. */
  take(path: string): readonly GenerationRecord[]
  /** The live path that a file was known by, wherever it is now. */
  pathOf(facts: FileFacts): string | undefined
  put(path: string, records: readonly GenerationRecord[]): void
  /** Forgets what was not seen for long. */
  expire(nowMs: number): void
  all(): Iterable<GenerationRecord>
}

/** Beyond this many the longest forgotten go first: a node starts and ends many containers a day. */
const MOST_RECORDS = 20_000

export function createRemembered(records: readonly GenerationRecord[], expireAfterMs: number): Remembered {
  const byPath = new Map<string, readonly GenerationRecord[]>()
  const pathByFile = new Map<string, string>()
  let count = 0

  function put(path: string, added: readonly GenerationRecord[]): void {
    if (added.length === 0) return
    byPath.set(path, added)
    count += added.length
    for (const record of added) pathByFile.set(keyOf(record), path)
    for (const oldest of byPath.keys()) {
      if (count <= MOST_RECORDS) break
      take(oldest)
    }
  }

  function take(path: string): readonly GenerationRecord[] {
    const taken = byPath.get(path) ?? []
    byPath.delete(path)
    count -= taken.length
    for (const record of taken) pathByFile.delete(keyOf(record))
    return taken
  }

  for (const [path, group] of Map.groupBy(records, (record) => record.path)) put(path, group)
  return {
    take,
    put,
    pathOf: (facts) => pathByFile.get(keyOf(facts)),
    expire(nowMs) {
      for (const [path, known] of byPath) {
        const fresh = known.filter(({ seenAt }) => nowMs - Date.parse(seenAt) < expireAfterMs)
        if (fresh.length === known.length) continue
        take(path)
        put(path, fresh)
      }
    },
    *all() {
      for (const known of byPath.values()) yield* known
    },
  }
}

function keyOf({ ino, birth }: FileIdentity): string {
  return `${ino}:${birth}`
}
