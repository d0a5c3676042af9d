import { isObject } from '../json.ts'

/**
 * What survives a restart: for every generation of a file, how to recognise it and each destination's position in it.
 * Holds hashes and counts, never log content. The JSON shape is `state` in registry.json; `store.ts` makes it durable.
 */
export interface RegistryState {
  readonly writtenAt: string
  /** When each source, by path or pattern, was first tailed: rotated files written later are not history. */
  readonly sources: Readonly<Record<string, string>>
  readonly generations: readonly GenerationRecord[]
}

export interface GenerationRecord {
  readonly id: string
  /** The live path it belongs to, and the name it was last seen under. */
  readonly path: string
  readonly lastPath: string
  readonly dev: string
  readonly ino: string
  /** Birth time in ns where the file system has one, else "0": tells a reused inode apart. */
  readonly birth: string
  /** Hash of the first `length` bytes, which grows up to 1 KiB. */
  readonly prefix: Fingerprint
  /** As last seen, uncompressed. */
  readonly size: number
  /** Nothing more will be appended and every destination has settled everything, or it was history at the first start. */
  readonly finished: boolean
  readonly seenAt: string
  /** Of what was last seen in an archive: that file, as it was then. */
  readonly archive?: ArchiveState
  readonly positions: Readonly<Record<string, PositionRecord>>
}

/** Tells whether an archive was written over. */
export interface ArchiveState {
  readonly size: number
  readonly mtimeMs: number
}

/**
 * Most bytes a prefix or a marker covers. Long enough to reach past what all audit events begin or end with
 * (annotations) to their timestamps and ids.
 */
export const FINGERPRINT_BYTES = 1024

/** A hash of `length` bytes; one of length 0 identifies nothing. */
export interface Fingerprint {
  readonly length: number
  readonly hash: string
}

/** Everything before `offset` is settled; `marker` is the hash of the bytes just before it. */
export interface PositionRecord {
  readonly offset: number
  readonly marker: Fingerprint
  readonly deadLetteredBytes: number
  readonly skippedBytes: Readonly<Record<string, number>>
}

export interface ParsedRegistry {
  /** Ms since the epoch. */
  readonly sinceMs: ReadonlyMap<string, number>
  readonly generations: readonly GenerationRecord[]
  /** Number of invalid entries left out, for the log. */
  readonly rejected: number
}

/** Parses the state of a registry. Omits and counts invalid entries. */
export function parseRegistry(state: unknown): ParsedRegistry {
  const list = isObject(state) && Array.isArray(state.generations) ? state.generations : []
  const generations = list.filter(isGenerationRecord)
  const since = isObject(state) && isObject(state.sources) ? Object.entries(state.sources) : []
  const sinceMs = since.map(([source, at]) => [source, Date.parse(String(at))] as const)
  return {
    sinceMs: new Map(sinceMs.filter(([, atMs]) => !Number.isNaN(atMs))),
    generations,
    rejected: list.length - generations.length,
  }
}

function isGenerationRecord(value: unknown): value is GenerationRecord {
  return (
    isObject(value) &&
    ['id', 'path', 'lastPath', 'dev', 'ino'].every((key) => typeof value[key] === 'string') &&
    isInteger(value.birth) &&
    isTime(value.seenAt) &&
    isFingerprint(value.prefix) &&
    isOffset(value.size) &&
    typeof value.finished === 'boolean' &&
    (value.archive === undefined || isArchiveState(value.archive)) &&
    isObject(value.positions) &&
    Object.values(value.positions).every(isPositionRecord)
  )
}

function isArchiveState(value: unknown): boolean {
  return isObject(value) && isOffset(value.size) && Number.isSafeInteger(value.mtimeMs)
}

function isPositionRecord(value: unknown): boolean {
  return (
    isObject(value) &&
    isOffset(value.offset) &&
    isFingerprint(value.marker) &&
    value.marker.length <= value.offset &&
    isOffset(value.deadLetteredBytes) &&
    isObject(value.skippedBytes) &&
    Object.values(value.skippedBytes).every(isOffset)
  )
}

function isFingerprint(value: unknown): value is Fingerprint {
  return (
    isObject(value) && isOffset(value.length) && value.length <= FINGERPRINT_BYTES && typeof value.hash === 'string'
  )
}

function isInteger(value: unknown): boolean {
  return typeof value === 'string' && /^-?\d+$/.test(value)
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

function isOffset(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
