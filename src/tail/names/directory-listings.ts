import { type Entry, Fault, type FileFacts, type Files } from '../file/files.ts'
import { liveNamesOf } from './rotated-name.ts'

export interface DirectoryListing {
  /** Device and inode: identifies a directory met again under another name. */
  readonly id: string
  readonly entries: readonly Entry[]
  readonly names: ReadonlySet<string>
  /** The names that have the form of rotated generations of `live`. */
  rotatedOf(live: string): readonly string[]
}

/**
 * Listings shared by all lineages and patterns: a directory of a thousand files is read once, not a thousand times, and
 * not again while its modification time shows that no name in it has changed; until then the same object is returned.
 */
export interface DirectoryListings {
  /** A new look begins: each directory is checked again when next asked for. */
  begin(nowMs: number): void
  list(directory: string): DirectoryListing | Fault
  /** How many directories are kept. */
  readonly size: number
}

/**
 * A modification time this fresh proves nothing: a change right after the listing can carry the same one. The coarsest
 * resolution is 2 s (FAT).
 */
const FRESH_MS = 2500
/** A directory is read again this often whatever its modification time says, for file systems that do not maintain it. */
const MAX_AGE_MS = 30_000
/** A listing that nobody has asked for in this long is forgotten. */
const UNUSED_MS = 60_000

interface Kept {
  readonly listing: DirectoryListing | Fault
  readonly facts: FileFacts | Fault
  readonly readAtMs: number
  look: number
  usedAtMs: number
}

export function createDirectoryListings(files: Files): DirectoryListings {
  const kept = new Map<string, Kept>()
  let look = 0
  let nowMs = 0
  let sweptAtMs = 0

  return {
    begin(atMs) {
      look += 1
      nowMs = atMs
      // Also sweeps if the clock was set back.
      if (Math.abs(nowMs - sweptAtMs) < UNUSED_MS) return
      sweptAtMs = nowMs
      for (const [directory, { usedAtMs }] of kept) if (Math.abs(nowMs - usedAtMs) > UNUSED_MS) kept.delete(directory)
    },
    list(directory) {
      const known = kept.get(directory)
      if (known?.look === look) return known.listing
      const facts = files.stat(directory)
      if (known && isUnchanged(known, facts, nowMs)) {
        known.look = look
        known.usedAtMs = nowMs
        return known.listing
      }
      const entries = facts instanceof Fault ? facts : files.list(directory)
      const listing =
        facts instanceof Fault || entries instanceof Fault ? (entries as Fault) : listingOf(facts, entries)
      kept.set(directory, { listing, facts, readAtMs: nowMs, look, usedAtMs: nowMs })
      return listing
    },
    get size() {
      return kept.size
    },
  }
}

function isUnchanged({ listing, facts: then, readAtMs }: Kept, now: FileFacts | Fault, nowMs: number): boolean {
  if (listing instanceof Fault || then instanceof Fault || now instanceof Fault) return false
  const isSame = then.ino === now.ino && then.dev === now.dev && then.mtimeMs === now.mtimeMs
  return isSame && readAtMs - then.mtimeMs > FRESH_MS && Math.abs(nowMs - readAtMs) < MAX_AGE_MS
}

function listingOf({ dev, ino }: FileFacts, entries: readonly Entry[]): DirectoryListing {
  let names: ReadonlySet<string> | undefined
  let byLive: ReadonlyMap<string, readonly string[]> | undefined
  return {
    id: `${dev}:${ino}`,
    entries,
    get names() {
      names ??= new Set(entries.map(({ name }) => name))
      return names
    },
    rotatedOf(live) {
      byLive ??= groupByLive(entries)
      return byLive.get(live) ?? []
    },
  }
}

function groupByLive(entries: readonly Entry[]): ReadonlyMap<string, readonly string[]> {
  const byLive = new Map<string, string[]>()
  for (const { name } of entries) {
    for (const live of liveNamesOf(name)) {
      const group = byLive.get(live)
      if (group) group.push(name)
      else byLive.set(live, [name])
    }
  }
  return byLive
}
