import { resolveArchives } from './archives.ts'
import { stateOf } from './decisions.ts'
import type { Place } from './generation.ts'
import type { Lineage } from './lineage.ts'

/** Looks into archives that nobody knows, beside everything else, as it takes time. */
export class ArchiveSearch {
  readonly #lineage: Lineage
  #running: Promise<void> | undefined
  /** Those that have been looked into, as far as they could be. */
  #tried: ReadonlySet<string> = new Set()
  #isFirstTry = false

  constructor(lineage: Lineage) {
    this.#lineage = lineage
  }

  /**
   * What is found may come before what has not been begun. Of archives that could not be told once that is not waited for:
   * what they are may depend on what is to be read.
   */
  get isHolding(): boolean {
    return this.#running !== undefined && this.#isFirstTry
  }

  /** Resolves when what was begun is decided. */
  async idle(): Promise<void> {
    await this.#running
  }

  begin(archives: readonly Place[], isFirst: boolean): void {
    if (archives.length === 0 || this.#running !== undefined) return
    const states = archives.map(({ facts }) => stateOf(facts))
    this.#isFirstTry = states.some((state) => !this.#tried.has(state))
    this.#tried = new Set(states)
    this.#running = resolveArchives(this.#lineage, archives, isFirst).finally(() => {
      this.#running = undefined
      this.#lineage.options.context.onDoubt()
    })
  }
}
