/** For each byte up to 0x80 a vector full of it. */
const SPLATS: usize = 5120

export function prepareVectors(): void {
  for (let byte: usize = 0; byte <= 0x80; byte++) v128.store(SPLATS + (byte << 4), i8x16.splat(<i8>byte))
}

/**
 * A vector full of the byte, to be made before a loop. V8 makes a constant vector anew wherever it is used, by three
 * instructions; one that was loaded it keeps in a register.
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

/** Copies short text in steps of 16 bytes. */
@inline
export function copy(target: usize, from: usize, bytes: usize): usize {
  for (let at: usize = 0; at < bytes; at += 16) v128.store(target + at, v128.load(from + at))
  return target + bytes
}
