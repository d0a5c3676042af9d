import { basename } from 'node:path'
import type { Place } from '../file/place.ts'
import { parseRotatedName } from '../names/rotated-name.ts'

/** A rotated generation as the directory shows it; an archive stands for its plain file. */
interface Rotated {
  /** Stable from scan to scan. Numbered names shift, but the files keep their modification time. */
  readonly key: string
  readonly plainPath: string
  readonly mtimeMs: number
}

/**
 * How many rotated files the writer keeps and how often it rotates, learnt from how many there are when the oldest has
 * just disappeared, and from their modification times.
 */
export class Retention {
  #rotated: readonly Rotated[] = []
  #kept: number | undefined

  /** `places`: all rotated files, oldest first. */
  observe(liveName: string, places: readonly Place[]): void {
    const before = this.#rotated
    const rotated = new Map<string, Rotated>()
    for (const { path, facts } of places) {
      const plainPath = path.replace(/\.gz$/, '')
      const name = parseRotatedName(basename(plainPath), liveName)
      const key = name?.kind === 'number' ? String(facts.mtimeMs) : plainPath
      rotated.set(plainPath, { key, plainPath, mtimeMs: facts.mtimeMs })
    }
    this.#rotated = [...rotated.values()]
    const oldest = before[0]?.key
    if (oldest !== undefined && !this.#rotated.some(({ key }) => key === oldest)) this.#kept = this.#rotated.length
  }

  /**
   * Returns the expected time until the file at `path`, or the live file if that is undefined, is deleted; undefined while
   * unknown.
   */
  deletionInMs(path: string | undefined, nowMs: number): number | undefined {
    const rotated = this.#rotated
    const oldest = rotated[0]
    const youngest = rotated.at(-1)
    if (this.#kept === undefined || !oldest || !youngest || youngest.mtimeMs <= oldest.mtimeMs) return undefined
    const plainPath = path?.replace(/\.gz$/, '')
    const at = plainPath === undefined ? rotated.length : rotated.findIndex((other) => other.plainPath === plainPath)
    if (at < 0) return 0
    const intervalMs = (youngest.mtimeMs - oldest.mtimeMs) / (rotated.length - 1)
    const rotations = this.#kept - rotated.length + at + 1
    return Math.max(0, Math.round(youngest.mtimeMs + rotations * intervalMs - nowMs))
  }
}
