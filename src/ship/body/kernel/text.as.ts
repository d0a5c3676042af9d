import { spread, toEscape } from './escape.as'
import { isAuditEvent } from './torn.as'
import { full, mask64, maskOf } from './vectors.as'

/** What the last scan saw. `sawHigh` may be due to bytes right after the line. */
export let sawHigh: bool = false
export let sawControl: bool = false
/** Address of the first audit event that begins inside the line, not at its start, or 0. */
export let sawEvent: usize = 0
/** Where the line's text, escaped to `target`, ends; invalid if the text has control bytes. */
export let sawTarget: usize = 0

/**
 * Returns the address of the newline of the line at `source`; an address not below `sourceEnd` if it has none. Escapes to
 * `target` what it passes, including what follows the line in the last block.
 */
export function scanText(source: usize, sourceEnd: usize, target: usize): usize {
  const quote = full(0x22)
  const backslash = full(0x5c)
  const brace = full(0x7b)
  const upperE = full(0x45)
  const lastControl = full(31)
  let high = i8x16.splat(0)
  let event: usize = 0
  let control = false
  for (let at = source; at < sourceEnd; at += 64) {
    const a = v128.load(at)
    const b = v128.load(at, 16)
    const c = v128.load(at, 32)
    const d = v128.load(at, 48)
    high = v128.or(high, v128.or(v128.or(a, b), v128.or(c, d)))
    const beginsA = v128.and(i8x16.eq(a, brace), i8x16.eq(v128.load(at, 9), upperE))
    const beginsB = v128.and(i8x16.eq(b, brace), i8x16.eq(v128.load(at, 25), upperE))
    const beginsC = v128.and(i8x16.eq(c, brace), i8x16.eq(v128.load(at, 41), upperE))
    const beginsD = v128.and(i8x16.eq(d, brace), i8x16.eq(v128.load(at, 57), upperE))
    if (i8x16.bitmask(v128.or(v128.or(beginsA, beginsB), v128.or(beginsC, beginsD))) != 0) {
      if (event == 0) event = firstEvent(source, at, mask64(beginsA, beginsB, beginsC, beginsD))
    }
    const start = target
    const escapesA = toEscape(a, quote, backslash)
    const escapesB = toEscape(b, quote, backslash)
    const escapesC = toEscape(c, quote, backslash)
    const escapesD = toEscape(d, quote, backslash)
    target = spread(a, escapesA, backslash, target)
    target = spread(b, escapesB, backslash, target)
    target = spread(c, escapesC, backslash, target)
    target = spread(d, escapesD, backslash, target)
    const least = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d))
    if (i8x16.bitmask(i8x16.le_u(least, lastControl)) == 0) continue
    let controls = mask64(
      i8x16.le_u(a, lastControl),
      i8x16.le_u(b, lastControl),
      i8x16.le_u(c, lastControl),
      i8x16.le_u(d, lastControl),
    )
    let newline = controls & (0 - controls)
    if (load<u8>(at + <usize>ctz(newline)) != 10) {
      const newlines = maskOf(a, b, c, d, i8x16.splat(10))
      newline = newlines & (0 - newlines)
    }
    // Keeps the whole block if it has no newline.
    controls &= newline - 1
    if (newline == 0) {
      control = true
      continue
    }
    const found = at + <usize>ctz(newline)
    const escapes = <u64>(escapesA | (escapesB << 16)) | (<u64>(escapesC | (escapesD << 16)) << 32)
    sawTarget = start + (found - at) + <usize>popcnt(escapes & (newline - 1))
    // A carriage return right before the newline does not belong to the line.
    if (load<u8>(found - 1) == 13) controls &= ~(newline >> 1)
    sawControl = control || controls != 0
    sawHigh = i8x16.bitmask(high) != 0
    sawEvent = event < found ? event : 0
    return found
  }
  return sourceEnd
}

/** Returns the first address in the mask where an audit event begins, except at the start of a line; 0 if there is none. */
function firstEvent(source: usize, at: usize, begins: u64): usize {
  for (; begins != 0; begins &= begins - 1) {
    const event = at + <usize>ctz(begins)
    if (event == source) continue
    if (load<u8>(event - 1) == 10) return 0
    if (isAuditEvent(event)) return event
  }
  return 0
}
