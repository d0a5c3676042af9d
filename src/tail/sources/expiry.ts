import { Fault, isAbsent } from '../file/files.ts'
import type { Lineage } from '../lineage/lineage.ts'

/** Whether a lineage that no source matches any more has long been entirely gone and finished; to be asked at every look. */
export type Expiry = (lineage: Lineage, isWanted: boolean, nowMs: number) => boolean

export function createExpiry({ goneMs }: { readonly goneMs: number }): Expiry {
  const goneSinceMs = new WeakMap<Lineage, number>()
  return (lineage, isWanted, nowMs) => {
    if (isWanted || !isGone(lineage)) {
      goneSinceMs.delete(lineage)
      return false
    }
    const sinceMs = goneSinceMs.get(lineage) ?? nowMs
    goneSinceMs.set(lineage, sinceMs)
    return nowMs - sinceMs >= goneMs
  }
}

/** Whether its rotated files are deleted, too, and nothing of them is left to be read or settled. */
function isGone({ generations, livePath, isUndecided, options: { files } }: Lineage): boolean {
  const { live, reading, done, unplaced } = generations
  if (live !== undefined || livePath.missing < 2 || reading.length > 0 || isUndecided) return false
  if (unplaced.some(({ finished, lossReported, cursors }) => cursors.isOut || !(finished || lossReported))) return false
  return done.every(({ lastPath }) => {
    const facts = files.stat(lastPath)
    return facts instanceof Fault && isAbsent(facts)
  })
}
