import { CLOCK, CLOCK_BYTES } from './job.as'
import { copy, full } from './vectors.as'

/** Caches the second of the last timestamp, as text (19 bytes) and as decimal digits with their count. */
const SECOND_TEXT: usize = 512
const SECOND_DIGITS: usize = 544
const SECOND_DIGITS_BYTES: usize = 576

export function prepareTimes(): void {
  // 1970-01-01T00:00:00, so that the cached state is valid from the start.
  v128.store(SECOND_TEXT, i8x16(0x31, 0x39, 0x37, 0x30, 0x2d, 0x30, 0x31, 0x2d, 0x30, 0x31, 0x54, 0x30, 0x30, 0x3a, 0x30, 0x30))
  store<u32>(SECOND_TEXT, 0x30303a30, 15)
  store<u32>(SECOND_DIGITS_BYTES, 0)
}

/** Writes milliseconds since the epoch: an audit event's last `stageTimestamp`, else the job's clock. */
export function writeTime(source: usize, end: usize, target: usize): usize {
  // `{"kind":"Event"`
  if (load<u64>(source) == 0x3a22646e696b227b && load<u64>(source, 7) == 0x22746e657645223a) {
    const text = findStageTimestamp(source, end)
    if (text != 0) {
      const digits = fractionDigits(text + 19)
      if (digits >= 0 && knowSecond(text)) return writeSecond(text + 20, digits, target)
    }
  }
  return copy(target, load<u32>(CLOCK), load<u32>(CLOCK_BYTES))
}

/** Returns the address after the last `"stageTimestamp":"`, or 0. A match before the line would contain the line's brace. */
function findStageTimestamp(source: usize, end: usize): usize {
  const upperT = full(0x54)
  const colon = full(0x3a)
  let at = end - 18
  while (at > source) {
    at -= 16
    let hits = <u32>i8x16.bitmask(
      v128.and(i8x16.eq(v128.load(at + 1, 6), upperT), i8x16.eq(v128.load(at + 1, 16), colon)),
    )
    while (hits != 0) {
      const bit = 31 - <u32>clz(hits)
      const found = at + 1 + <usize>bit
      if (isKey(found)) return found + 18
      hits ^= 1 << bit
    }
  }
  return 0
}

/** `"stageTimestamp":"` */
@inline
function isKey(at: usize): bool {
  return load<u64>(at) == 0x6954656761747322 && load<u64>(at, 8) == 0x22706d617473656d && load<u16>(at, 16) == 0x223a
}

/** Returns the number of digits in `.420123Z"` (one to nine) or `Z"` (none); -1 if the text is neither. */
@inline
function fractionDigits(at: usize): i32 {
  // Six digits, as kube-apiserver writes.
  const six = load<u64>(at) ^ 0x5a3030303030302e
  if (((six | (six + 0x0006060606060600)) & 0xfff0f0f0f0f0f0ff) == 0 && load<u8>(at, 8) == 0x22) return 6
  if (load<u16>(at) == 0x225a) return 0
  const text = v128.load(at, 1)
  const others = ~<u32>i8x16.bitmask(i8x16.lt_u(i8x16.sub(text, i8x16.splat(0x30)), i8x16.splat(10)))
  const digits = <i32>ctz(others)
  const whole = load<u8>(at) == 0x2e && digits >= 1 && digits <= 9 && load<u16>(at + <usize>digits, 1) == 0x225a
  return whole ? digits : -1
}

/** Whether the 19 bytes at both addresses are the same. */
@inline
function isSame(a: usize, b: usize): bool {
  const front = load<u64>(a) ^ load<u64>(b)
  const middle = load<u64>(a, 8) ^ load<u64>(b, 8)
  const rear = load<u64>(a, 11) ^ load<u64>(b, 11)
  return (front | middle | rear) == 0
}

/** Updates the cache to the second at `text` (`2026-11-20T14:33:45`); false if it is not a valid one from 1970 to 9999. */
function knowSecond(text: usize): bool {
  if (isSame(text, SECOND_TEXT)) return true
  const year = number(text, 4)
  const month = number(text + 5, 2)
  const day = number(text + 8, 2)
  const hour = number(text + 11, 2)
  const minute = number(text + 14, 2)
  const second = number(text + 17, 2)
  if (load<u8>(text, 4) != 0x2d || load<u8>(text, 7) != 0x2d || load<u8>(text, 10) != 0x54) return false
  if (load<u8>(text, 13) != 0x3a || load<u8>(text, 16) != 0x3a) return false
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return false
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false
  const seconds = ((<i64>daysBefore(year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second
  store<u32>(SECOND_DIGITS_BYTES, seconds == 0 ? 0 : <u32>(writeDecimal(seconds, SECOND_DIGITS) - SECOND_DIGITS))
  v128.store(SECOND_TEXT, v128.load(text))
  store<u32>(SECOND_TEXT, load<u32>(text, 15), 15)
  return true
}

/** Returns the decimal number in `digits` bytes; negative if any byte is not a digit. */
function number(at: usize, digits: i32): i32 {
  let value: i32 = 0
  for (let i = 0; i < digits; i++) {
    const digit = <i32>load<u8>(at + i) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** Returns the days from 1970-01-01 to the first of the month in the proleptic Gregorian calendar. */
function daysBefore(year: i32, month: i32): i32 {
  // Years begin in March, so that the leap day comes last.
  const y = month > 2 ? year : year - 1
  const m = month > 2 ? month - 3 : month + 9
  return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 - 719468
}

@inline
function writeSecond(fraction: usize, fractionDigits: i32, target: usize): usize {
  const digits: usize = load<u32>(SECOND_DIGITS_BYTES)
  if (digits == 0) return writeDecimal(milliseconds(fraction, fractionDigits), target)
  v128.store(target, v128.load(SECOND_DIGITS))
  target += digits
  // Replaces the bytes after the digits by zeros.
  let text = load<u32>(fraction)
  if (fractionDigits < 3) {
    const kept: u32 = (1 << (<u32>fractionDigits << 3)) - 1
    text = (text & kept) | (0x303030 & ~kept)
  }
  store<u32>(target, text)
  return target + 3
}

function milliseconds(fraction: usize, digits: i32): i32 {
  let value: i32 = 0
  for (let i = 0; i < 3; i++) value = value * 10 + (i < digits ? <i32>load<u8>(fraction + i) - 0x30 : 0)
  return value
}

function writeDecimal(value: i64, target: usize): usize {
  let bytes: usize = 1
  for (let rest = value; rest > 9; rest /= 10) bytes++
  for (let at = target + bytes; at > target; value /= 10) store<u8>(--at, <u8>(0x30 + value % 10))
  return target + bytes
}
