import { full, mask64 } from './vectors.as'

/** Whether the line of the last glance has bytes of other than ASCII. */
export let glancedHigh: bool = false

/** 64 bytes to keep a byte, and as many, zero, to drop one. */
const KEEP: usize = 736

export function prepareGlance(): void {
  for (let at: usize = 0; at < 64; at += 16) v128.store(KEEP + at, i8x16.splat(-1))
}

/**
 * Finds the newline of a line that a glance shows to be one object, for less than half of what `scanObject` costs: 0 says
 * that it takes that closer look, an address not below `sourceEnd` that there is no newline yet.
 *
 * The line begins and ends with a brace; as many open as close, and all but the first right behind a colon; quotes come in
 * pairs; there are no control bytes but at its end. What is in strings counts like the rest, and counts are modulo 256. Why
 * that does: docs/decisions/a-glance-at-each-line.md.
 */
export function glance(source: usize, sourceEnd: usize): usize {
  if (load<u8>(source) != 0x7b) return 0
  const quote = full(0x22)
  const opening = full(0x7b)
  const closing = full(0x7d)
  const colon = full(0x3a)
  const thirtyTwo = full(32)
  let balance = i8x16.splat(0)
  let quotes = i8x16.splat(0)
  // As if a colon stood before the line.
  let before = i8x16.splat(-1)
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
        const length = <usize>ctz(controls)
        const end = at + length
        if (end >= sourceEnd) return sourceEnd
        newline = end + usize(load<u8>(end) == 13)
        if (newline >= sourceEnd) return sourceEnd
        if (load<u8>(newline) != 10 || load<u8>(end - 1) != 0x7d) return 0
        const keep = KEEP + 64 - length
        a = v128.and(a, v128.load(keep))
        b = v128.and(b, v128.load(keep, 16))
        c = v128.and(c, v128.load(keep, 32))
        d = v128.and(d, v128.load(keep, 48))
      }
      if (i8x16.bitmask(v128.or(v128.or(a, b), v128.or(c, d))) != 0) high = true
    }
    const opensA = i8x16.eq(a, opening)
    const opensB = i8x16.eq(b, opening)
    const opensC = i8x16.eq(c, opening)
    const opensD = i8x16.eq(d, opening)
    const colonsA = i8x16.eq(a, colon)
    const colonsB = i8x16.eq(b, colon)
    const colonsC = i8x16.eq(c, colon)
    const colonsD = i8x16.eq(d, colon)
    const others = v128.or(
      v128.or(v128.andnot(opensA, behind(before, colonsA)), v128.andnot(opensB, behind(colonsA, colonsB))),
      v128.or(v128.andnot(opensC, behind(colonsB, colonsC)), v128.andnot(opensD, behind(colonsC, colonsD))),
    )
    if (v128.any_true(others)) return 0
    before = colonsD
    const opens = i8x16.add(i8x16.add(opensA, opensB), i8x16.add(opensC, opensD))
    const closes = i8x16.add(
      i8x16.add(i8x16.eq(a, closing), i8x16.eq(b, closing)),
      i8x16.add(i8x16.eq(c, closing), i8x16.eq(d, closing)),
    )
    balance = i8x16.add(balance, i8x16.sub(opens, closes))
    quotes = v128.xor(
      quotes,
      v128.xor(
        v128.xor(i8x16.eq(a, quote), i8x16.eq(b, quote)),
        v128.xor(i8x16.eq(c, quote), i8x16.eq(d, quote)),
      ),
    )
    if (newline == 0) continue
    if (sum(balance) != 0 || popcnt(i8x16.bitmask(quotes)) % 2 != 0) return 0
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
