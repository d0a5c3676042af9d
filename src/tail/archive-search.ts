import { resolveArchives } from './archives.ts'
import type { Place } from './generation.ts'
import type { Lineage } from './lineage.ts'

/** Looks into archives that nobody knows, beside everything else, as it takes time. */
export class ArchiveSearch {
  readonly #lineage: Lineage
  #running: Promise<void> | undefined
  #searches = 0

  constructor(lineage: Lineage) {
    this.#lineage = lineage
  }

  /**
   * The first search is under way, which may find what comes before all that is known. Later ones are not waited for: new
   * archives may come faster than they can be told, and what they are may depend on what is to be read.
   */
  get isFirst(): boolean {
    return this.#running !== undefined && this.#searches === 1
  }

  /** Resolves when what was begun is decided. */
  async idle(): Promise<void> {
    await this.#running
  }

  begin(archives: readonly Place[], isHistory: boolean): void {
    if (archives.length === 0 || this.#running !== undefined) return
    this.#searches += 1
    this.#running = resolveArchives(this.#lineage, archives, isHistory).finally(() => {
      this.#running = undefined
      this.#lineage.options.context.onDoubt()
    })
  }
}
