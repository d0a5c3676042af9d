import type { Place } from '../file/place.ts'
import type { Generations } from '../generation/generations.ts'
import { resolveArchives } from './archives.ts'

const HOLD_MS = 1000

/** Inspects unknown archives in the background, as that takes time. */
export class ArchiveSearch {
  readonly #generations: Generations
  #running: Promise<void> | undefined
  #holdsUntilMs: number | undefined

  constructor(generations: Generations) {
    this.#generations = generations
  }

  /**
   * Whether to wait for the running search. The first one may find content older than any that is known: it is waited for,
   * but only briefly, and later ones are not, as archives may be many and arrive faster than they can be inspected.
   */
  get isHolding(): boolean {
    return this.isRunning && performance.now() < (this.#holdsUntilMs ?? 0)
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Resolves when the running search is over. */
  async idle(): Promise<void> {
    await this.#running
  }

  begin(archives: readonly Place[], isHistory: boolean): void {
    if (archives.length === 0 || this.isRunning) return
    this.#holdsUntilMs = this.#holdsUntilMs === undefined ? performance.now() + HOLD_MS : 0
    this.#running = resolveArchives(this.#generations, archives, isHistory).finally(() => {
      this.#running = undefined
      this.#generations.options.context.onDirty()
    })
  }
}
