import type { Generation } from './generation.ts'
import { type FileIdentity, isIdentity } from './identity.ts'

/** Generations by the file they were last seen in: each of thousands of rotated files is looked up in every scan. */
export class ByFile {
  readonly #generations = new Map<string, Set<Generation>>()
  readonly #keys = new Map<Generation, string>()
  #version = 0

  /** Changes whenever a generation comes, or may be in another file. */
  get version(): number {
    return this.#version
  }

  /** To be told whenever it may be in another file. */
  put(generation: Generation): void {
    this.#version += 1
    const key = keyOf(generation.identity)
    if (this.#keys.get(generation) === key) return
    this.delete(generation)
    this.#keys.set(generation, key)
    const group = this.#generations.get(key)
    if (group) group.add(generation)
    else this.#generations.set(key, new Set([generation]))
  }

  delete(generation: Generation): void {
    const key = this.#keys.get(generation)
    if (key === undefined) return
    this.#keys.delete(generation)
    const group = this.#generations.get(key)
    group?.delete(generation)
    if (group?.size === 0) this.#generations.delete(key)
  }

  /** The ones last seen in this file, those that are in it now first. */
  of(file: FileIdentity): readonly Generation[] {
    const group = [...(this.#generations.get(keyOf(file)) ?? [])]
    return group.filter(({ identity }) => isIdentity(identity, file)).sort((a, b) => rank(a) - rank(b))
  }
}

function rank({ place, finished }: Generation): number {
  return place === undefined ? 2 : Number(finished)
}

/** Without the device, whose number may change, where a birth time makes up for it. */
export function keyOf({ dev, ino, birth }: FileIdentity): string {
  return birth === '0' ? `${dev}:${ino}` : `${ino}:${birth}`
}
