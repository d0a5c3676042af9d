import { full } from './vectors.as'

// The errors in UTF-8 that two adjacent bytes may reveal, one bit each.
const SHORT: i8 = 1 // a lead without its continuation
const LONG: i8 = 2 // a continuation after ASCII
const OVERLONG_3: i8 = 4
const OVERLONG_2: i8 = 8
const SURROGATE: i8 = 16
const LARGE: i8 = 32 // over U+10FFFF: F4 90 and above
const LARGE_80: i8 = 64 // over U+10FFFF: F5 80 and above; also overlong: F0 80
const TWO: i8 = -128 // two continuations, wrong unless a longer lead precedes them
const ANY: i8 = SHORT | LONG | TWO

/** Tables of the errors that each nibble allows: the high and the low one of a byte, and the high one of the next byte. */
const LAST_HIGH: usize = 640
const LAST_LOW: usize = 656
const THIS_HIGH: usize = 672
/** Masks: sixteen bytes that each keep a byte, then sixteen zeros that each drop one. */
const KEEP: usize = 688

export function prepareUtf8(): void {
  v128.store(KEEP, i8x16.splat(-1))
  const E3: i8 = SHORT | OVERLONG_3 | SURROGATE
  const F4: i8 = SHORT | LARGE | LARGE_80
  v128.store(
    LAST_HIGH,
    i8x16(LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, TWO, TWO, TWO, TWO, SHORT | OVERLONG_2, SHORT, E3, F4),
  )
  const L: i8 = ANY | LARGE
  const M: i8 = L | LARGE_80
  v128.store(
    LAST_LOW,
    i8x16(
      ANY | OVERLONG_2 | OVERLONG_3 | LARGE_80, ANY | OVERLONG_2, ANY, ANY, L, M, M, M, M, M, M, M, M, M | SURROGATE, M, M,
    ),
  )
  const C: i8 = LONG | TWO | OVERLONG_2
  v128.store(
    THIS_HIGH,
    i8x16(
      SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT,
      C | OVERLONG_3 | LARGE_80, C | OVERLONG_3 | LARGE, C | SURROGATE | LARGE, C | SURROGATE | LARGE,
      SHORT, SHORT, SHORT, SHORT,
    ),
  )
}

@inline
function all64(at: usize): v128 {
  return v128.or(
    v128.or(v128.load(at), v128.load(at, 16)),
    v128.or(v128.load(at, 32), v128.load(at, 48)),
  )
}

/**
 * Whether the text is well-formed UTF-8: shortest forms, no surrogates, nothing over U+10FFFF. Each byte and the previous one
 * give three nibbles; an error is present if all three allow it. Where a third or fourth byte must stand, TWO has to be found
 * instead. (Keiser and Lemire, Validating UTF-8 In Less Than One Instruction Per Byte, 2021.)
 */
export function isUtf8(at: usize, end: usize): bool {
  const nibble = full(15)
  const top = full(0x80)
  const lastHigh = v128.load(LAST_HIGH)
  const lastLow = v128.load(LAST_LOW)
  const thisHigh = v128.load(THIS_HIGH)
  const three = full(0x60)
  const four = full(0x70)
  let before = i8x16.splat(0)
  let wrong = i8x16.splat(0)
  // May go one block beyond the text, because a sequence cut off by the text's end shows up only in what follows.
  for (; at <= end; at += 16) {
    while (end - at >= 64 && i8x16.bitmask(v128.or(before, all64(at))) == 0) at += 64
    let text = v128.load(at)
    if (end - at < 16) text = v128.and(text, v128.load(KEEP + 16 - (end - at)))
    if (i8x16.bitmask(v128.or(text, before)) != 0) {
      const last = v128.shuffle<u8>(before, text, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
      const second = v128.shuffle<u8>(before, text, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29)
      const third = v128.shuffle<u8>(before, text, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28)
      const pair = v128.and(
        v128.and(
          i8x16.relaxed_swizzle(lastHigh, v128.and(i16x8.shr_u(last, 4), nibble)),
          i8x16.relaxed_swizzle(lastLow, v128.and(last, nibble)),
        ),
        i8x16.relaxed_swizzle(thisHigh, v128.and(i16x8.shr_u(text, 4), nibble)),
      )
      // The top bit where the byte two back is 0xe0 or more, or the one three back 0xf0 or more.
      const longer = v128.or(i8x16.sub_sat_u(second, three), i8x16.sub_sat_u(third, four))
      wrong = v128.or(wrong, v128.xor(pair, v128.and(longer, top)))
    }
    before = text
  }
  return !v128.any_true(wrong)
}
