import { full, mask64 } from './vectors.as'

/** Whether the line of the last glance has bytes of other than ASCII. */
export let glancedHigh: bool = false

/** 64 bytes to keep a byte, and as many, zero, to drop one. */
const KEEP: usize = 736

export function prepareGlance(): void {
  for (let at: usize = 0; at < 64; at += 16) v128.store(KEEP + at, i8x16.splat(-1))
}

/**
 * Finds the newline of a line that a glance shows to be one object, at a third of what `scanObject` costs: 0 says that it
 * takes a closer look, an address not below `sourceEnd` that there is no newline yet.
 *
 * The line begins and ends with a brace, no brace closes right before another opens, as many open as close, quotes come in
 * pairs, and there are no control bytes but at its end. What is in strings counts like the rest. An object that was torn has a brace
 * too few wherever it was cut, whatever stands behind it; one that its strings make up for is refused by its receiver, and
 * found and put aside then (`isolate.ts`). Counts are modulo 256.
 */
export function glance(source: usize, sourceEnd: usize): usize {
  if (load<u8>(source) != 0x7b) return 0
  const quote = full(0x22)
  const opening = full(0x7b)
  const closing = full(0x7d)
  const thirtyTwo = full(32)
  let balance = i8x16.splat(0)
  let quotes = i8x16.splat(0)
  let pairs = i8x16.splat(0)
  let before = i8x16.splat(0)
  let high = false
  for (let at = source; at < sourceEnd; at += 64) {
    let a = v128.load(at)
    let b = v128.load(at, 16)
    let c = v128.load(at, 32)
    let d = v128.load(at, 48)
    let newline: usize = 0
    // Less than 32 as signed numbers: control bytes, and what is not ASCII.
    const least = i8x16.min_s(i8x16.min_s(a, b), i8x16.min_s(c, d))
    if (i8x16.bitmask(i8x16.lt_s(least, thirtyTwo)) != 0) {
      const controls = mask64(
        i8x16.lt_u(a, thirtyTwo),
        i8x16.lt_u(b, thirtyTwo),
        i8x16.lt_u(c, thirtyTwo),
        i8x16.lt_u(d, thirtyTwo),
      )
      if (controls != 0) {
        const first = <usize>ctz(controls)
        const end = at + first
        if (end >= sourceEnd) return sourceEnd
        newline = end + usize(load<u8>(end) == 13)
        if (newline >= sourceEnd) return sourceEnd
        if (load<u8>(newline) != 10 || load<u8>(end - 1) != 0x7d) return 0
        const keep = KEEP + 64 - first
        a = v128.and(a, v128.load(keep))
        b = v128.and(b, v128.load(keep, 16))
        c = v128.and(c, v128.load(keep, 32))
        d = v128.and(d, v128.load(keep, 48))
      }
      if (i8x16.bitmask(v128.or(v128.or(a, b), v128.or(c, d))) != 0) high = true
    }
    quotes = v128.xor(
      quotes,
      v128.xor(
        v128.xor(i8x16.eq(a, quote), i8x16.eq(b, quote)),
        v128.xor(i8x16.eq(c, quote), i8x16.eq(d, quote)),
      ),
    )
    const opensA = i8x16.eq(a, opening)
    const opensB = i8x16.eq(b, opening)
    const opensC = i8x16.eq(c, opening)
    const opensD = i8x16.eq(d, opening)
    const closesA = i8x16.eq(a, closing)
    const closesB = i8x16.eq(b, closing)
    const closesC = i8x16.eq(c, closing)
    const closesD = i8x16.eq(d, closing)
    const opens = i8x16.add(i8x16.add(opensA, opensB), i8x16.add(opensC, opensD))
    const closes = i8x16.add(i8x16.add(closesA, closesB), i8x16.add(closesC, closesD))
    balance = i8x16.add(balance, i8x16.sub(opens, closes))
    pairs = v128.or(
      pairs,
      v128.or(
        v128.or(v128.and(opensA, behind(before, closesA)), v128.and(opensB, behind(closesA, closesB))),
        v128.or(v128.and(opensC, behind(closesB, closesC)), v128.and(opensD, behind(closesC, closesD))),
      ),
    )
    before = closesD
    if (newline == 0) continue
    if (v128.any_true(pairs) || sum(balance) != 0 || popcnt(i8x16.bitmask(quotes)) % 2 != 0) return 0
    glancedHigh = high
    return newline
  }
  return sourceEnd
}

/** Each byte's predecessor. */
@inline
function behind(before: v128, text: v128): v128 {
  return v128.shuffle<u8>(before, text, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
}

/** Of all bytes, modulo 256. */
@inline
function sum(bytes: v128): u32 {
  const pairs = i16x8.extadd_pairwise_i8x16_u(bytes)
  const fours = i32x4.extadd_pairwise_i16x8_u(pairs)
  return (
    (i32x4.extract_lane(fours, 0) +
      i32x4.extract_lane(fours, 1) +
      i32x4.extract_lane(fours, 2) +
      i32x4.extract_lane(fours, 3)) &
    255
  )
}
