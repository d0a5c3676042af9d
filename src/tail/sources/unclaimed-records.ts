import { dirname, join } from 'node:path'
import type { GenerationRecord } from '../../checkpoint/registry.ts'
import { Fault, type FileFacts } from '../file/files.ts'
import { type FileIdentity, isIdentity } from '../file/identity.ts'
import { liveNameOf } from '../names/rotated-name.ts'

/** Records of files that no lineage handles: their sources, or the files themselves, are gone. */
export interface UnclaimedRecords {
  /** Removes and returns the records of a live path: the caller keeps them from now on. */
  take(path: string): readonly GenerationRecord[]
  /** Returns the records of a live path without removing them. */
  of(path: string): readonly GenerationRecord[]
  /** Returns the live paths there are records of. */
  paths(): Iterable<string>
  /** Returns the live paths that a file was known by. */
  pathsOf(facts: FileFacts | Fault): readonly string[]
  /** Returns the live paths with a file that was last seen at `path`, or as a rotated generation of it. */
  seenAt(path: string): readonly string[]
  put(path: string, records: readonly GenerationRecord[]): void
  /**
   * Drops records not seen for long and, if there are too many, those seen longest ago; at most once a minute. Must be
   * called often, after existing files have taken theirs.
   */
  expire(nowMs: number): void
  all(): Iterable<GenerationRecord>
}

/** A node starts and ends many containers a day. */
const MAX_RECORDS = 20_000
/** Going through all of them takes some ms. */
const EXPIRE_EVERY_MS = 60_000

export function createUnclaimedRecords(records: readonly GenerationRecord[], expireAfterMs: number): UnclaimedRecords {
  const byPath = new Map<string, readonly GenerationRecord[]>()
  /** Live paths by what may lead to them: a file, or a path where one was last seen. */
  const hints = new Map<string, Set<string>>()
  let count = 0
  let expiredAtMs = 0

  function put(path: string, added: readonly GenerationRecord[]): void {
    if (added.length === 0) return
    byPath.set(path, added)
    count += added.length
    for (const hint of added.flatMap(hintsOf)) {
      const paths = hints.get(hint)
      if (paths) paths.add(path)
      else hints.set(hint, new Set([path]))
    }
  }

  function take(path: string): readonly GenerationRecord[] {
    const taken = byPath.get(path) ?? []
    byPath.delete(path)
    count -= taken.length
    for (const hint of taken.flatMap(hintsOf)) {
      const paths = hints.get(hint)
      paths?.delete(path)
      if (paths?.size === 0) hints.delete(hint)
    }
    return taken
  }

  function* all(): Generator<GenerationRecord> {
    for (const known of byPath.values()) yield* known
  }

  for (const [path, group] of Map.groupBy(records, (record) => record.path)) put(path, group)
  return {
    take,
    of: (path) => byPath.get(path) ?? [],
    paths: () => byPath.keys(),
    put,
    pathsOf(facts) {
      const hint = facts instanceof Fault ? undefined : fileHint(facts)
      const paths = [...((hint && hints.get(hint)) ?? [])]
      // The device tells a file from its clone, unless its number has changed.
      const near = paths.filter((path) => byPath.get(path)?.some((record) => isOnDevice(record, facts)))
      return near.length > 0 ? near : paths
    },
    seenAt: (path) => [...(hints.get(path) ?? [])],
    expire(nowMs) {
      // Also runs if the clock was set back.
      if (Math.abs(nowMs - expiredAtMs) < EXPIRE_EVERY_MS) return
      expiredAtMs = nowMs
      const surplus = new Set(longestGone(all(), count - MAX_RECORDS))
      for (const [path, known] of byPath) {
        const fresh = known.filter(
          (record) => nowMs - Date.parse(record.seenAt) < expireAfterMs && !surplus.has(record),
        )
        if (fresh.length === known.length) continue
        take(path)
        put(path, fresh)
      }
    },
    all,
  }
}

function longestGone(records: Iterable<GenerationRecord>, howMany: number): readonly GenerationRecord[] {
  if (howMany <= 0) return []
  const dated = Array.from(records, (record) => ({ record, seenAtMs: Date.parse(record.seenAt) }))
  const oldestFirst = dated.sort((a, b) => a.seenAtMs - b.seenAtMs)
  return oldestFirst.slice(0, howMany).map(({ record }) => record)
}

function hintsOf(record: GenerationRecord): readonly string[] {
  const { lastPath } = record
  const live = liveNameOf(lastPath)
  const places = live === undefined ? [lastPath] : [lastPath, join(dirname(lastPath), live)]
  return [...places, fileHint(record)].filter((hint) => hint !== undefined)
}

function isOnDevice(record: FileIdentity, facts: FileFacts | Fault): boolean {
  return !(facts instanceof Fault) && isIdentity(record, facts) && record.dev === facts.dev
}

/** Without a birth time an inode proves nothing: inodes are reused. */
function fileHint({ ino, birth }: FileIdentity): string | undefined {
  return birth === '0' ? undefined : `${ino}:${birth}`
}
