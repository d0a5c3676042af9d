import type { FileFacts } from './files.ts'

/** An archive that stays incomplete for this long will not be completed any more. */
const STALE_MS = 600_000

/** What was decided about files that no generation is read from. A decision holds until the file changes. */
export class Decisions {
  #copies = new Set<string>()
  #incomplete = new Map<string, { readonly reason: string; readonly mtimeMs: number }>()

  /** It is a copy of what is read elsewhere. */
  ignore(facts: FileFacts): void {
    this.#copies.add(stateOf(facts))
  }

  /** It is an archive that cannot be inflated to its end yet. */
  await(facts: FileFacts, reason: string): void {
    this.#incomplete.set(stateOf(facts), { reason, mtimeMs: facts.mtimeMs })
  }

  has(facts: FileFacts): boolean {
    const state = stateOf(facts)
    return this.#copies.has(state) || this.#incomplete.has(state)
  }

  /** Why an archive cannot be read that may still be completed. */
  awaited(nowMs: number): string | undefined {
    for (const { reason, mtimeMs } of this.#incomplete.values()) if (nowMs - mtimeMs < STALE_MS) return reason
    return undefined
  }

  /** What was a copy may be all that is left. */
  reconsider(): void {
    this.#copies.clear()
  }

  /** Forgets the files that are not among `present`. */
  retain(present: readonly FileFacts[]): void {
    if (this.#copies.size === 0 && this.#incomplete.size === 0) return
    const states = new Set(present.map(stateOf))
    this.#copies = new Set([...this.#copies].filter((state) => states.has(state)))
    this.#incomplete = new Map([...this.#incomplete].filter(([state]) => states.has(state)))
  }
}

/** What a decision about a file depends on. */
export function stateOf({ dev, ino, size, mtimeMs }: FileFacts): string {
  return `${dev}:${ino}:${size}:${mtimeMs}`
}
