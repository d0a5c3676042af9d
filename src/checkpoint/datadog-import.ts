import { readFileSync, statSync } from 'node:fs'
import { isObject, parseJsonObject } from '../json.ts'
import { waitsForWriter } from '../system/named-pipe.ts'
import { systemError } from '../system/system-error.ts'

/** A Datadog Agent's position in the file it knew by a path: all bytes before `offset` were sent. */
export interface ImportedPosition {
  readonly offset: number
  /** When it last moved the offset, ms since the epoch. */
  readonly updatedAtMs: number | undefined
}

export type Imported =
  | {
      readonly kind: 'positions'
      /** By path. */
      readonly positions: ReadonlyMap<string, ImportedPosition>
      /** Number of invalid file entries, which are left out. */
      readonly rejected: number
    }
  | { readonly kind: 'unusable'; readonly reason: string }

/** The supported registry format: keyed by path, offsets as text. */
const VERSION = 2
const FILE_KEY = 'file:'

/** Reads the `registry.json` of a Datadog Agent. Never throws because of the file: returns the reason instead. */
export function loadDatadogRegistry(path: string): Imported {
  try {
    if (waitsForWriter(path, statSync(path))) return { kind: 'unusable', reason: 'it is a named pipe' }
    return parseDatadogRegistry(readFileSync(path, 'utf8'))
  } catch (error) {
    return { kind: 'unusable', reason: systemError(error).message }
  }
}

export function parseDatadogRegistry(text: string): Imported {
  const document = parseJsonObject(text)
  if (document === undefined) return { kind: 'unusable', reason: 'it is not a JSON object' }
  if (document.Version !== VERSION) {
    return { kind: 'unusable', reason: `its version is ${JSON.stringify(document.Version)}, not ${VERSION}` }
  }
  if (!isObject(document.Registry)) return { kind: 'unusable', reason: 'it has no Registry' }
  const positions = new Map<string, ImportedPosition>()
  let rejected = 0
  for (const [key, entry] of Object.entries(document.Registry)) {
    if (!key.startsWith(FILE_KEY)) continue
    const path = key.slice(FILE_KEY.length)
    const position = positionOf(entry)
    if (position && path.startsWith('/')) positions.set(path, position)
    else rejected += 1
  }
  return { kind: 'positions', positions, rejected }
}

function positionOf(entry: unknown): ImportedPosition | undefined {
  if (!isObject(entry) || typeof entry.Offset !== 'string' || !/^\d+$/.test(entry.Offset)) return undefined
  const offset = Number(entry.Offset)
  const updatedAtMs = typeof entry.LastUpdated === 'string' ? Date.parse(entry.LastUpdated) : Number.NaN
  if (!Number.isSafeInteger(offset)) return undefined
  return { offset, updatedAtMs: Number.isNaN(updatedAtMs) ? undefined : updatedAtMs }
}
