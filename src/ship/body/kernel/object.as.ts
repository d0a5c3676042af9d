import { full, mask64, maskOf } from './vectors.as'

/** What the last scan saw. `sawHigh` may be due to bytes right after the line. */
export let sawHigh: bool = false
export let isObject: bool = false

/**
 * Finds the newline as `scanText` does, and sets `isObject` if the line is one object: brackets are balanced, and the depth
 * returns to zero only at the last one, a brace; strings are closed; there are no control bytes except tabs between values,
 * and only blanks around the object.
 */
export function scanObject(source: usize, sourceEnd: usize): usize {
  const thirtyTwo = full(32)
  const lastControl = full(31)
  const quote = full(0x22)
  const backslash = full(0x5c)
  const opening = full(0x7b)
  const closing = full(0x7d)
  let high = i8x16.splat(0)
  let inString: u64 = 0
  let escapes: u64 = 0
  let depth: i32 = 0
  let bad: u64 = 0
  // 0: before the object, 1: inside, 2: after it.
  let phase: i32 = load<u8>(source) == 0x7b ? 1 : 0
  for (let at = source; at < sourceEnd; at += 64) {
    const a = v128.load(at)
    const b = v128.load(at, 16)
    const c = v128.load(at, 32)
    const d = v128.load(at, 48)
    high = v128.or(high, v128.or(v128.or(a, b), v128.or(c, d)))
    let quotes = maskOf(a, b, c, d, quote)
    let backslashes = maskOf(a, b, c, d, backslash)
    // `[` and `{` differ only in this bit, and so do `]` and `}`.
    const a32 = v128.or(a, thirtyTwo)
    const b32 = v128.or(b, thirtyTwo)
    const c32 = v128.or(c, thirtyTwo)
    const d32 = v128.or(d, thirtyTwo)
    let opens = maskOf(a32, b32, c32, d32, opening)
    let closes = maskOf(a32, b32, c32, d32, closing)
    const least = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d))
    let within: u64 = ~0
    let controls: u64 = 0
    let tabs: u64 = 0
    let newline: u64 = 0
    if (i8x16.bitmask(i8x16.le_u(least, lastControl)) != 0) {
      newline = maskOf(a, b, c, d, i8x16.splat(10))
      newline &= 0 - newline
      if (newline != 0) within = newline - 1
      tabs = maskOf(a, b, c, d, i8x16.splat(9))
      controls = mask64(
        i8x16.le_u(a, lastControl),
        i8x16.le_u(b, lastControl),
        i8x16.le_u(c, lastControl),
        i8x16.le_u(d, lastControl),
      )
      // A carriage return right before the newline, in this block or the next, does not belong to the line.
      const returns = maskOf(a, b, c, d, i8x16.splat(13))
      const ahead = load<u8>(at, 64) == 10 ? u64(1) << 63 : 0
      const ending = returns & ((newline >> 1) | (newline == 0 ? ahead : 0))
      tabs |= ending
      backslashes &= within
      opens &= within
      closes &= within
      controls &= within
    }
    if ((backslashes | escapes) != 0) {
      // The byte after a run of an odd number of backslashes is escaped; a run may have begun in the previous block.
      const runs = backslashes & ~escapes
      const starts = runs & ~(runs << 1)
      const evenStarts = starts & 0x5555555555555555
      const oddStarts = starts & 0xaaaaaaaaaaaaaaaa
      const behindEven = (runs + evenStarts) & ~runs & 0xaaaaaaaaaaaaaaaa
      const oddSum = runs + oddStarts
      const behindOdd = oddSum & ~runs & 0x5555555555555555
      quotes &= ~(behindEven | behindOdd | escapes)
      escapes = u64(oddSum < runs)
    }
    let strings = quotes ^ (quotes << 1)
    strings ^= strings << 2
    strings ^= strings << 4
    strings ^= strings << 8
    strings ^= strings << 16
    strings ^= strings << 32
    strings ^= inString
    inString = u64(i64(strings) >> 63)
    bad |= (backslashes & ~strings) | (controls & (strings | ~tabs))
    opens &= ~strings
    closes &= ~strings
    const closed = <i32>popcnt(closes)
    if (depth > closed) depth += <i32>popcnt(opens) - closed
    else {
      const blanks = maskOf(a, b, c, d, thirtyTwo) | tabs
      const solid = ~blanks & within
      if (phase == 0 && solid != 0) {
        const first = solid & (0 - solid)
        bad |= u64(load<u8>(at + <usize>ctz(first)) != 0x7b)
        phase = 1
      }
      if (phase == 2) bad |= solid
      else if (phase == 1) {
        let left = closes
        let after = depth
        while (left != 0) {
          const close = left & (0 - left)
          left ^= close
          const opened = <i32>popcnt(opens & (close - 1))
          after = depth + opened - <i32>popcnt(closes & (close - 1)) - 1
          if (after > 0) continue
          bad |= (solid & ~(close | (close - 1))) | u64(load<u8>(at + <usize>ctz(close)) != 0x7d)
          phase = 2
          break
        }
        depth = phase == 2 ? 0 : depth + <i32>popcnt(opens) - closed
      }
    }
    if (newline != 0) {
      sawHigh = i8x16.bitmask(high) != 0
      isObject = phase == 2 && bad == 0
      return at + <usize>ctz(newline)
    }
  }
  return sourceEnd
}
