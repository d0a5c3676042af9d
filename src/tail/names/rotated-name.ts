import { basename, extname } from 'node:path'

/**
 * What a file's name says about its relation to a live file. Known forms, each also with `.gz`:
 * kube-apiserver's (lumberjack) `audit-2026-11-20T14-33-45.420.log`, logrotate's numbers `audit.log.1`, and dates
 * after the name: logrotate's `audit.log-20261120[-1763649225]` and what its `dateformat` can produce, the kubelet's
 * `0.log.20261120-143345`, Python's and log4j's `app.log.2026-11-20[_14-33-45]`, seconds since the epoch.
 */
export type RotatedName = {
  readonly gzip: boolean
} & (
  | { readonly kind: 'timestamp'; readonly stamp: string } // later stamp: younger
  | { readonly kind: 'number'; readonly number: number } // larger number: older
  | { readonly kind: 'date'; readonly stamp: string } // later stamp: younger
)

const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}$/
const STAMPED = /^(.+)-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}(\.[^.]*)?$/
const NUMBER = /^\.(\d{1,7})$/
const DATE = /^[-._]((?:\d{8,20}|\d{4}-\d{2}-\d{2})(?:[-._T]\d[\d.-]*)?)$/
/** The live name followed by a number or a date. */
const SUFFIXED = new RegExp(`^(.+?)(?:${NUMBER.source.slice(1, -1)}|${DATE.source.slice(1, -1)})$`)

/** Parses `name` as a rotated generation of `live` (both base names); undefined if it is not one. */
export function parseRotatedName(name: string, live: string): RotatedName | undefined {
  const gzip = name.endsWith('.gz')
  const plain = gzip ? name.slice(0, -3) : name
  const ext = extname(live)
  const stem = live.slice(0, live.length - ext.length)
  if (plain.startsWith(`${stem}-`) && plain.endsWith(ext)) {
    const stamp = plain.slice(stem.length + 1, plain.length - ext.length)
    if (TIMESTAMP.test(stamp)) return { kind: 'timestamp', stamp, gzip }
  }
  if (!plain.startsWith(live)) return undefined
  const rest = plain.slice(live.length)
  const number = NUMBER.exec(rest)?.[1]
  if (number !== undefined) return { kind: 'number', number: Number(number), gzip }
  const stamp = DATE.exec(rest)?.[1]
  return stamp === undefined ? undefined : { kind: 'date', stamp, gzip }
}

/** Returns the name of the live file that `path` would be a rotated generation of; undefined if its name has no known form. */
export function liveNameOf(path: string): string | undefined {
  const name = basename(path).replace(/\.gz$/, '')
  const stamped = STAMPED.exec(name)
  if (stamped) return `${stamped[1]}${stamped[2] ?? ''}`
  return SUFFIXED.exec(name)?.[1] ?? (name === basename(path) ? undefined : name)
}

/**
 * Returns what `liveNameOf` does, and for an archive also its name without `.gz`, as a live file may have been packed; but
 * not for a numbered name, which moves to the next file with every rotation.
 */
export function liveNamesOf(path: string): readonly string[] {
  const name = basename(path)
  const rotated = liveNameOf(path)
  const packed = name.endsWith('.gz') ? name.slice(0, -3) : undefined
  const isNumbered = rotated !== undefined && parseRotatedName(name, rotated)?.kind === 'number'
  return [...new Set([rotated, isNumbered ? undefined : packed])].filter((live) => live !== undefined)
}

/** Whether it is named for the millisecond of its rotation, as by kube-apiserver: no other generation ever gets this name. */
export function isNamedForGood(path: string): boolean {
  return STAMPED.test(basename(path))
}

/** Returns the other names that begin like a live file's, which may have been renamed to one of them. */
export function namesAlike(live: string, names: Iterable<string>): readonly string[] {
  const stem = live.slice(0, Math.max(1, live.lastIndexOf('.')))
  return Array.from(names).filter((name) => name !== live && name.startsWith(stem))
}

/** The age of a generation, for `compareAge`. `name` is undefined if its name has no known form. */
export interface Age {
  readonly name: RotatedName | undefined
  readonly mtimeMs: number
}

/**
 * Compares stamps of one format: numbers in them by value, as an index after a date has no leading zeros. (An
 * `Intl.Collator` does that, too, but loads 2.5 MB of tables into memory.)
 */
function compareStamps(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)]
  for (const [index, number] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    if (number !== other) return number.length - other.length || (number < other ? -1 : 1)
  }
  return left.length - right.length
}

function numbersOf(stamp: string): string[] {
  return stamp.split(/\D+/).map((digits) => digits.replace(/^0+/, ''))
}

/** Orders generations oldest first: by names that have comparable forms, else by modification time. */
export function compareAge(a: Age, b: Age): number {
  if (a.name && b.name && a.name.kind === b.name.kind) {
    if (a.name.kind === 'number' && b.name.kind === 'number') {
      if (a.name.number !== b.name.number) return b.name.number - a.name.number
    } else if (a.name.kind !== 'number' && b.name.kind !== 'number' && a.name.stamp !== b.name.stamp) {
      return compareStamps(a.name.stamp, b.name.stamp)
    }
  }
  return a.mtimeMs - b.mtimeMs
}

/** Sorts by name if all names are of one kind, else by modification time; stable. */
export function oldestFirst<T>(items: readonly T[], ageOf: (item: T) => Age): T[] {
  const aged = items.map((item) => ({ item, age: ageOf(item) }))
  const kinds = new Set(aged.map(({ age }) => age.name?.kind))
  const byName = kinds.size === 1
  const age = (of: Age): Age => (byName ? of : { name: undefined, mtimeMs: of.mtimeMs })
  return aged.sort((a, b) => compareAge(age(a.age), age(b.age))).map(({ item }) => item)
}
