import { CLOCK, CLOCK_BYTES } from './job.as'
import { copy } from './vectors.as'

/** The second of the last time stamp as text (19 bytes), and as decimal digits with their count. */
const SECOND_TEXT: usize = 512
const SECOND_DIGITS: usize = 544
const SECOND_DIGITS_BYTES: usize = 576

export function prepareTimes(): void {
  // 1970-01-01T00:00:00, so that the notes are true from the start.
  v128.store(SECOND_TEXT, i8x16(0x31, 0x39, 0x37, 0x30, 0x2d, 0x30, 0x31, 0x2d, 0x30, 0x31, 0x54, 0x30, 0x30, 0x3a, 0x30, 0x30))
  store<u32>(SECOND_TEXT, 0x30303a30, 15)
  store<u32>(SECOND_DIGITS_BYTES, 0)
}

/** Writes milliseconds since the epoch: an audit event's last `stageTimestamp`, else the job's clock. */
export function writeTime(source: usize, end: usize, target: usize): usize {
  const front = i8x16(0x7b, 0x22, 0x6b, 0x69, 0x6e, 0x64, 0x22, 0x3a, 0x22, 0x45, 0x76, 0x65, 0x6e, 0x74, 0x22, 0)
  if ((i8x16.bitmask(i8x16.eq(v128.load(source), front)) & 0x7fff) == 0x7fff) {
    const text = findStageTimestamp(source, end)
    if (text != 0) {
      const fraction = fractionOf(text + 19)
      if (fraction >= 0 && knowSecond(text)) return writeSecond(<u32>fraction, target)
    }
  }
  return copy(target, load<u32>(CLOCK), load<u32>(CLOCK_BYTES))
}

/** The address behind the last `"stageTimestamp":"`, or 0. None is found before the line: its brace is not in the key. */
function findStageTimestamp(source: usize, end: usize): usize {
  const upperT = i8x16.splat(0x54)
  const colon = i8x16.splat(0x3a)
  const key = i8x16(0x22, 0x73, 0x74, 0x61, 0x67, 0x65, 0x54, 0x69, 0x6d, 0x65, 0x73, 0x74, 0x61, 0x6d, 0x70, 0x22)
  let at = end - 18
  while (at > source) {
    at -= 16
    let hits = <u32>i8x16.bitmask(
      v128.and(i8x16.eq(v128.load(at + 1, 6), upperT), i8x16.eq(v128.load(at + 1, 16), colon)),
    )
    while (hits != 0) {
      const bit = 31 - <u32>clz(hits)
      hits ^= 1 << bit
      const found = at + 1 + <usize>bit
      if (i8x16.all_true(i8x16.eq(v128.load(found), key)) && load<u8>(found, 17) == 0x22) return found + 18
    }
  }
  return 0
}

/** Milliseconds of `.420123Z"` (one to nine digits) or `Z"`; -1 when it is neither. */
function fractionOf(at: usize): i32 {
  let milliseconds: i32 = 0
  if (load<u8>(at) == 0x2e) {
    let digits: i32 = 0
    for (; digits < 10; digits++) {
      const digit = <i32>load<u8>(at + digits, 1) - 0x30
      if (digit < 0 || digit > 9) break
      if (digits < 3) milliseconds = milliseconds * 10 + digit
    }
    if (digits < 1 || digits > 9) return -1
    for (let missing = digits; missing < 3; missing++) milliseconds *= 10
    at += digits + 1
  }
  return load<u16>(at) == 0x225a ? milliseconds : -1
}

/** Brings the notes up to the second at `text` (`2026-11-20T14:33:45`); false when it is none from 1970 to 9999. */
function knowSecond(text: usize): bool {
  const front = v128.load(text)
  const rear = load<u32>(text, 15)
  if (i8x16.all_true(i8x16.eq(front, v128.load(SECOND_TEXT))) && rear == load<u32>(SECOND_TEXT, 15)) return true
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
  v128.store(SECOND_TEXT, front)
  store<u32>(SECOND_TEXT, rear, 15)
  return true
}

/** The decimal number in `digits` bytes, negative when one of them is no digit. */
function number(at: usize, digits: i32): i32 {
  let value: i32 = 0
  for (let i = 0; i < digits; i++) {
    const digit = <i32>load<u8>(at + i) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** Days from 1970-01-01 to the first of the month in the proleptic Gregorian calendar. */
function daysBefore(year: i32, month: i32): i32 {
  // Years begin in March, so that the leap day is the last one.
  const y = month > 2 ? year : year - 1
  const m = month > 2 ? month - 3 : month + 9
  return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 - 719468
}

function writeSecond(milliseconds: u32, target: usize): usize {
  const digits: usize = load<u32>(SECOND_DIGITS_BYTES)
  if (digits == 0) return writeDecimal(milliseconds, target)
  v128.store(target, v128.load(SECOND_DIGITS))
  target += digits
  store<u8>(target, <u8>(0x30 + milliseconds / 100))
  store<u8>(target, <u8>(0x30 + (milliseconds / 10) % 10), 1)
  store<u8>(target, <u8>(0x30 + milliseconds % 10), 2)
  return target + 3
}

function writeDecimal(value: i64, target: usize): usize {
  let bytes: usize = 1
  for (let rest = value; rest > 9; rest /= 10) bytes++
  for (let at = target + bytes; at > target; value /= 10) store<u8>(--at, <u8>(0x30 + value % 10))
  return target + bytes
}
