import { type FileIdentity, isIdentity } from '../file/identity.ts'
import type { Generation } from './generation.ts'

/** Indexes generations by the file they were last seen in: every scan looks up perhaps thousands of rotated files. */
export class ByFile {
  readonly #generations = new Map<string, Set<Generation>>()
  readonly #keys = new Map<Generation, string>()
  /** How many generations have each id: generations recorded under different paths may share one. */
  readonly #ids = new Map<string, number>()
  #version = 0

  /** Changes whenever a generation is added, or may have moved to another file. */
  get version(): number {
    return this.#version
  }

  /** Must be called whenever the generation may have moved to another file. */
  put(generation: Generation): void {
    this.#version += 1
    const key = keyOf(generation.identity)
    if (this.#keys.get(generation) === key) return
    this.delete(generation)
    this.#keys.set(generation, key)
    this.#countId(generation, 1)
    const group = this.#generations.get(key)
    if (group) group.add(generation)
    else this.#generations.set(key, new Set([generation]))
  }

  delete(generation: Generation): void {
    const key = this.#keys.get(generation)
    if (key === undefined) return
    this.#keys.delete(generation)
    this.#countId(generation, -1)
    const group = this.#generations.get(key)
    group?.delete(generation)
    if (group?.size === 0) this.#generations.delete(key)
  }

  hasId(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Returns the generations last seen in this file: first those that have a place, unfinished before finished. */
  of(file: FileIdentity): readonly Generation[] {
    const group = [...(this.#generations.get(keyOf(file)) ?? [])]
    return group.filter(({ identity }) => isIdentity(identity, file)).sort((a, b) => rank(a) - rank(b))
  }

  #countId({ origin: { id } }: Generation, by: 1 | -1): void {
    const count = (this.#ids.get(id) ?? 0) + by
    if (count > 0) this.#ids.set(id, count)
    else this.#ids.delete(id)
  }
}

function rank({ place, finished }: Generation): number {
  return place === undefined ? 2 : Number(finished)
}

/** Leaves out the device number, which may change, if there is a birth time instead. */
export function keyOf({ dev, ino, birth }: FileIdentity): string {
  return birth === '0' ? `${dev}:${ino}` : `${ino}:${birth}`
}
