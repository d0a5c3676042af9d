/** A small seeded generator (splitmix32): fast, good enough for test data, worthless for secrets. */
export interface Random {
  /** Starts over from another seed. */
  reseed(seed: number): void
  /** A uniform 32-bit integer, never negative. */
  uint32(): number
  /** A uniform integer in `[0, bound)`. */
  below(bound: number): number
  pick<T>(items: readonly [T, ...T[]]): T
  /** `digits` lower-case hexadecimal digits. */
  hex(digits: number): string
}

export function createRandom(seed: number): Random {
  let state = seed | 0
  const uint32 = () => {
    state = (state + 0x9e3779b9) | 0
    return scramble32(state)
  }
  const below = (bound: number) => Math.floor((uint32() / 0x1_0000_0000) * bound)
  return {
    uint32,
    below,
    reseed: (next) => {
      state = next | 0
    },
    pick: (items) => items[below(items.length)] ?? items[0],
    hex: (digits) => {
      let text = ''
      while (text.length < digits) text += hex32(uint32())
      return text.slice(0, digits)
    },
  }
}

/** A bijection of 32-bit integers: different inputs never collide. */
export function scramble32(value: number): number {
  let mixed = value | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

export function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
