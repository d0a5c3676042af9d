import { isAuditEvent } from './torn.as'
import { mask64, maskOf } from './vectors.as'

/** What the last scan saw. `sawHigh` may also come from bytes right behind the line. */
export let sawHigh: bool = false
export let sawControl: bool = false
/** The front of an audit event inside the line, not at its own front: the first one's address, or 0. */
export let sawEvent: usize = 0

/** Finds the newline of the line at `source`: its address, or one not below `sourceEnd`. */
export function scanText(source: usize, sourceEnd: usize): usize {
  const thirtyTwo = i8x16.splat(32)
  let high = i8x16.splat(0)
  let event: usize = 0
  let control = false
  for (let at = source; at < sourceEnd; at += 64) {
    const a = v128.load(at)
    const b = v128.load(at, 16)
    const c = v128.load(at, 32)
    const d = v128.load(at, 48)
    high = v128.or(high, v128.or(v128.or(a, b), v128.or(c, d)))
    const beginsA = mayBegin(a, at)
    const beginsB = mayBegin(b, at + 16)
    const beginsC = mayBegin(c, at + 32)
    const beginsD = mayBegin(d, at + 48)
    if (v128.any_true(v128.or(v128.or(beginsA, beginsB), v128.or(beginsC, beginsD))) && event == 0) {
      event = firstEvent(source, at, mask64(beginsA, beginsB, beginsC, beginsD))
    }
    const least = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d))
    if (!v128.any_true(i8x16.sub_sat_u(thirtyTwo, least))) continue
    const newlines = maskOf(a, b, c, d, i8x16.splat(10))
    const newline = newlines & (0 - newlines)
    let controls = mask64(
      i8x16.lt_u(a, thirtyTwo),
      i8x16.lt_u(b, thirtyTwo),
      i8x16.lt_u(c, thirtyTwo),
      i8x16.lt_u(d, thirtyTwo),
    )
    // All of the block if it has no newline.
    controls &= newline - 1
    if (newline == 0) {
      control = true
      continue
    }
    const found = at + <usize>ctz(newline)
    // A carriage return right before the newline is none of the line's.
    if (load<u8>(found - 1) == 13) controls &= ~(newline >> 1)
    sawControl = control || controls != 0
    sawHigh = i8x16.bitmask(high) != 0
    sawEvent = event < found ? event : 0
    return found
  }
  return sourceEnd
}

/** Where `{` and, nine bytes on, `E` stand, as in `{"kind":"Event"`. */
@inline
function mayBegin(text: v128, at: usize): v128 {
  return v128.and(i8x16.eq(text, i8x16.splat(0x7b)), i8x16.eq(v128.load(at, 9), i8x16.splat(0x45)))
}

/** The first address of the mask, but for the line's own, where an audit event begins, or 0. */
function firstEvent(source: usize, at: usize, begins: u64): usize {
  for (; begins != 0; begins &= begins - 1) {
    const event = at + <usize>ctz(begins)
    if (event != source && isAuditEvent(event)) return event
  }
  return 0
}
