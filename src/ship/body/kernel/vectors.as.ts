/** For each byte up to 0x80, a vector filled with it. */
const SPLATS: usize = 5120

export function prepareVectors(): void {
  for (let byte: usize = 0; byte <= 0x80; byte++) v128.store(SPLATS + (byte << 4), i8x16.splat(<i8>byte))
}

/**
 * Returns a vector filled with the byte. Call it before a loop: V8 keeps a loaded vector in a register, but rebuilds a constant
 * one at every use, with three instructions.
 */
@inline
export function full(byte: usize): v128 {
  return v128.load(SPLATS + (byte << 4))
}

@inline
export function mask64(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u32>i8x16.bitmask(a) | (<u32>i8x16.bitmask(b) << 16)
  const high = <u32>i8x16.bitmask(c) | (<u32>i8x16.bitmask(d) << 16)
  return <u64>low | (<u64>high << 32)
}

@inline
export function maskOf(a: v128, b: v128, c: v128, d: v128, byte: v128): u64 {
  return mask64(i8x16.eq(a, byte), i8x16.eq(b, byte), i8x16.eq(c, byte), i8x16.eq(d, byte))
}

/** Copies short text in steps of 32 bytes. */
@inline
export function copy(target: usize, from: usize, bytes: usize): usize {
  let at: usize = 0
  do {
    v128.store(target + at, v128.load(from + at))
    v128.store(target + at, v128.load(from + at, 16), 16)
    at += 32
  } while (at < bytes)
  return target + bytes
}

/** Copies a line, faster than `memory.copy`, which leaves the module and, from 2 KB on, copies by `rep movsb`. */
@inline
export function copyLine(target: usize, from: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 64) {
    const a = v128.load(from + at)
    const b = v128.load(from + at, 16)
    const c = v128.load(from + at, 32)
    const d = v128.load(from + at, 48)
    v128.store(target + at, a)
    v128.store(target + at, b, 16)
    v128.store(target + at, c, 32)
    v128.store(target + at, d, 48)
  }
}
