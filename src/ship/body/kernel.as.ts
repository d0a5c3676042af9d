/**
 * AssemblyScript, compiled by scripts/build-kernel.ts into kernel.wasm.ts: the loops of kernel.ts's contract with 128-bit
 * vectors. No heap and no objects: everything lies in the imported memory, whose front holds the job's words (the same
 * numbers as `word` in kernel.ts), the notes and the tables below.
 *
 * A line is loaded in blocks of 16 or 64 bytes from its own start; what a block holds behind the line's end is masked, so
 * that loads may pass the end of the source, and stores the end of a record, by less than SLACK_BYTES.
 */

const SOURCE: usize = 4 * 0
const SOURCE_END: usize = 4 * 1
const TARGET: usize = 4 * 2
const TARGET_END: usize = 4 * 3
const RECORDS: usize = 4 * 4
const MAX_RECORDS: usize = 4 * 5
const MAX_LINE_BYTES: usize = 4 * 6
const EMPTY_BYTES: usize = 4 * 7
const ODD_END: usize = 4 * 8
const ODD_NEXT: usize = 4 * 9
const TABLE: usize = 4 * 10
const HEAD: usize = 4 * 11
const HEAD_BYTES: usize = 4 * 12
const MIDDLE: usize = 4 * 13
const MIDDLE_BYTES: usize = 4 * 14
const TAIL: usize = 4 * 15
const TAIL_BYTES: usize = 4 * 16
const CLOCK: usize = 4 * 17
const CLOCK_BYTES: usize = 4 * 18

const PARTIAL: i32 = 0
const FULL: i32 = 1
const TOO_LONG: i32 = 2
const NUL: i32 = 3
const NOT_JSON: i32 = 4
const GLUED: i32 = 5
const INVALID_UTF8: i32 = 6

/** The second of the last time stamp as text (19 bytes), and as decimal digits with their count. */
const SECOND_TEXT: usize = 512
const SECOND_DIGITS: usize = 544
const SECOND_DIGITS_BYTES: usize = 576
/** 256 shuffles of 16 bytes: for a mask of 8 bytes, those bytes with a backslash before each masked one. */
const SPREAD: usize = 1024

const OBJECTS: i32 = 0
const ATTRIBUTES: i32 = 1
const MESSAGES: i32 = 2

/** What the last scan saw; `sawHigh` and `sawAgain` may also come from bytes right behind the line. */
let sawHigh: bool = false
let sawControl: bool = false
let sawAgain: bool = false
let isObject: bool = false

export function prepare(): void {
  for (let mask: u32 = 0; mask < 256; mask++) {
    let at: usize = SPREAD + (<usize>mask << 4)
    const end: usize = at + 16
    for (let bit: u32 = 0; bit < 8; bit++) {
      if ((mask >> bit) & 1) store<u8>(at++, 8)
      store<u8>(at++, bit)
    }
    while (at < end) store<u8>(at++, 0x80)
  }
  // 1970-01-01T00:00:00, so that the notes are true from the start.
  v128.store(SECOND_TEXT, i8x16(0x31, 0x39, 0x37, 0x30, 0x2d, 0x30, 0x31, 0x2d, 0x30, 0x31, 0x54, 0x30, 0x30, 0x3a, 0x30, 0x30))
  store<u32>(SECOND_TEXT, 0x30303a30, 15)
  store<u32>(SECOND_DIGITS_BYTES, 0)
}

export function objects(): i32 {
  return encode(OBJECTS)
}

export function attributes(): i32 {
  return encode(ATTRIBUTES)
}

export function messages(): i32 {
  return encode(MESSAGES)
}

export function message(): i32 {
  if (load<u32>(RECORDS) >= load<u32>(MAX_RECORDS)) return FULL
  sawControl = true
  const end: usize = load<u32>(SOURCE_END)
  return takeMessage(load<u32>(SOURCE), end - 1, end) ? PARTIAL : FULL
}

// @ts-ignore: decorator
@inline
function encode(format: i32): i32 {
  const sourceEnd: usize = load<u32>(SOURCE_END)
  const maxRecords = load<u32>(MAX_RECORDS)
  const maxLine: usize = load<u32>(MAX_LINE_BYTES)
  while (true) {
    const source: usize = load<u32>(SOURCE)
    if (load<u32>(RECORDS) >= maxRecords) return FULL
    if (source == sourceEnd) return PARTIAL
    const first = load<u8>(source)
    if (first <= 13) {
      if (first == 0) return nul(source, sourceEnd)
      const newline = source + usize(first == 13 && source + 1 < sourceEnd)
      if (load<u8>(newline) == 10) {
        store<u32>(EMPTY_BYTES, load<u32>(EMPTY_BYTES) + <u32>(newline + 1 - source))
        store<u32>(SOURCE, <u32>(newline + 1))
        continue
      }
    }
    const found = format == MESSAGES ? scanText(source, sourceEnd) : scanObject(source, sourceEnd)
    const whole = found < sourceEnd
    const end = whole ? found : sourceEnd
    const contentEnd = end - usize(load<u8>(end - 1) == 13)
    if (contentEnd - source > maxLine) {
      return whole ? odd(TOO_LONG, contentEnd, found + 1) : odd(TOO_LONG, sourceEnd, sourceEnd)
    }
    if (!whole) return fits(leastEnd(format, end - source)) ? PARTIAL : FULL
    if (format == MESSAGES) {
      if (sawAgain && isGlued(source, contentEnd, sourceEnd)) return odd(GLUED, contentEnd, found + 1)
    } else if (!isObject) return odd(NOT_JSON, contentEnd, found + 1)
    if (sawHigh && !isUtf8(source, contentEnd)) return odd(INVALID_UTF8, contentEnd, found + 1)
    let taken: bool
    if (format == OBJECTS) taken = takeObject(source, end)
    else if (format == ATTRIBUTES) taken = takeAttributes(source, end)
    else taken = takeMessage(source, contentEnd, found + 1)
    if (!taken) return FULL
  }
}

function nul(source: usize, sourceEnd: usize): i32 {
  let end = source
  while (end < sourceEnd && load<u8>(end) == 0) end++
  return odd(NUL, end, end)
}

function odd(code: i32, end: usize, next: usize): i32 {
  store<u32>(ODD_END, <u32>end)
  store<u32>(ODD_NEXT, <u32>next)
  return code
}

/** Where a record would end if nothing of its line had to be escaped. */
function leastEnd(format: i32, lineBytes: usize): usize {
  const around: usize = format == OBJECTS ? 0 : load<u32>(HEAD_BYTES) + load<u32>(MIDDLE_BYTES) + load<u32>(TAIL_BYTES)
  return <usize>load<u32>(TARGET) + around + lineBytes
}

/** Whether a record may end there: it keeps the limit, or is the only one. */
// @ts-ignore: decorator
@inline
function fits(recordEnd: usize): bool {
  return recordEnd < <usize>load<u32>(TARGET_END) || load<u32>(RECORDS) == 0
}

/** Writes the comma and the table's entry. */
// @ts-ignore: decorator
@inline
function take(payload: usize, recordEnd: usize, next: usize): bool {
  const records = load<u32>(RECORDS)
  store<u8>(recordEnd, 0x2c)
  const entry = <usize>load<u32>(TABLE) + (<usize>records << 3)
  store<u32>(entry, load<u32>(TARGET))
  store<u32>(entry, <u32>payload, 4)
  store<u32>(RECORDS, records + 1)
  store<u32>(TARGET, <u32>(recordEnd + 1))
  store<u32>(SOURCE, <u32>next)
  return true
}

// @ts-ignore: decorator
@inline
function takeObject(source: usize, end: usize): bool {
  const target: usize = load<u32>(TARGET)
  const recordEnd = target + (end - source)
  if (!fits(recordEnd)) return false
  if (target != source) memory.copy(target, source, end - source)
  return take(target, recordEnd, end + 1)
}

function takeAttributes(source: usize, end: usize): bool {
  let rest = source
  while (load<u8>(rest) != 0x7b) rest++
  rest++
  let target = copy(load<u32>(TARGET), load<u32>(HEAD), load<u32>(HEAD_BYTES))
  target = copy(target, load<u32>(MIDDLE), load<u32>(MIDDLE_BYTES))
  target = writeTime(source, end, target)
  let next = rest
  while (load<u8>(next) == 32 || load<u8>(next) == 9) next++
  if (load<u8>(next) != 0x7d) store<u8>(target++, 0x2c)
  const recordEnd = target + (end - rest)
  if (!fits(recordEnd)) return false
  memory.copy(target, rest, end - rest)
  return take(target, recordEnd, end + 1)
}

function takeMessage(source: usize, end: usize, next: usize): bool {
  const payload = copy(load<u32>(TARGET), load<u32>(HEAD), load<u32>(HEAD_BYTES))
  let target = sawControl ? escapeAny(source, end, payload) : escapeText(source, end, payload)
  target = copy(target, load<u32>(MIDDLE), load<u32>(MIDDLE_BYTES))
  target = writeTime(source, end, target)
  target = copy(target, load<u32>(TAIL), load<u32>(TAIL_BYTES))
  return fits(target) && take(payload, target, next)
}

/** Copies short text in steps of 16 bytes. */
// @ts-ignore: decorator
@inline
function copy(target: usize, from: usize, bytes: usize): usize {
  for (let at: usize = 0; at < bytes; at += 16) v128.store(target + at, v128.load(from + at))
  return target + bytes
}

// @ts-ignore: decorator
@inline
function mask64(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u32>i8x16.bitmask(a) | (<u32>i8x16.bitmask(b) << 16)
  const high = <u32>i8x16.bitmask(c) | (<u32>i8x16.bitmask(d) << 16)
  return <u64>low | (<u64>high << 32)
}

// @ts-ignore: decorator
@inline
function maskOf(a: v128, b: v128, c: v128, d: v128, byte: v128): u64 {
  return mask64(i8x16.eq(a, byte), i8x16.eq(b, byte), i8x16.eq(c, byte), i8x16.eq(d, byte))
}

/** Finds the newline of the line at `source`: its address, or one not below `sourceEnd`. */
function scanText(source: usize, sourceEnd: usize): usize {
  const thirtyTwo = i8x16.splat(32)
  let high = i8x16.splat(0)
  let again = false
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
    let begins: u64 = 0
    if (v128.any_true(v128.or(v128.or(beginsA, beginsB), v128.or(beginsC, beginsD)))) {
      begins = mask64(beginsA, beginsB, beginsC, beginsD)
      // The front of the line itself is no repetition.
      if (at == source) begins &= ~1
    }
    const least = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d))
    if (!v128.any_true(i8x16.sub_sat_u(thirtyTwo, least))) {
      again = again || begins != 0
      continue
    }
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
    again = again || (begins & (newline - 1)) != 0
    if (newline == 0) {
      control = true
      continue
    }
    const found = at + <usize>ctz(newline)
    // A carriage return right before the newline is none of the line's.
    if (load<u8>(found - 1) == 13) controls &= ~(newline >> 1)
    sawControl = control || controls != 0
    sawHigh = i8x16.bitmask(high) != 0
    sawAgain = again
    return found
  }
  return sourceEnd
}

/** Where `{` and, nine bytes on, `E` stand, as in `{"kind":"Event"`. */
// @ts-ignore: decorator
@inline
function mayBegin(text: v128, at: usize): v128 {
  return v128.and(i8x16.eq(text, i8x16.splat(0x7b)), i8x16.eq(v128.load(at, 9), i8x16.splat(0x45)))
}

/**
 * Whether the front of an audit event stands inside the line, which begins with an audit event or the torn front of one,
 * and not as a proper part of it. Raw quotes cannot stand in a JSON string, so what is found is no text in a string.
 */
function isGlued(source: usize, end: usize, sourceEnd: usize): bool {
  let again = source + 1
  while (!isAuditEvent(again)) {
    again++
    if (again + 43 > end) return false
  }
  for (let i: usize = 0; i < 15 && source + i < again; i++) {
    if (load<u8>(source + i) != load<u8>(again + i)) return false
  }
  scanObject(source, sourceEnd)
  return !isObject
}

/** `{"kind":"Event","apiVersion":"audit.k8s.io/` */
function isAuditEvent(at: usize): bool {
  if (load<u8>(at) != 0x7b) return false
  // prettier-ignore
  const front = i8x16(0x7b, 0x22, 0x6b, 0x69, 0x6e, 0x64, 0x22, 0x3a, 0x22, 0x45, 0x76, 0x65, 0x6e, 0x74, 0x22, 0x2c)
  // prettier-ignore
  const middle = i8x16(0x22, 0x61, 0x70, 0x69, 0x56, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x22, 0x3a, 0x22, 0x61, 0x75)
  // prettier-ignore
  const rear = i8x16(0x3a, 0x22, 0x61, 0x75, 0x64, 0x69, 0x74, 0x2e, 0x6b, 0x38, 0x73, 0x2e, 0x69, 0x6f, 0x2f, 0)
  const same =
    <u32>i8x16.bitmask(i8x16.eq(v128.load(at), front)) &
    <u32>i8x16.bitmask(i8x16.eq(v128.load(at, 16), middle)) &
    (<u32>i8x16.bitmask(i8x16.eq(v128.load(at, 28), rear)) | 0x8000)
  return same == 0xffff
}

/**
 * Finds the newline as `scanText` does, and says in `isObject` whether the line is one object: brackets balanced and back
 * at depth zero only at the last, a brace; strings closed; no control bytes but tabs between values; only blanks around.
 */
function scanObject(source: usize, sourceEnd: usize): usize {
  const thirtyTwo = i8x16.splat(32)
  let high = i8x16.splat(0)
  let inString: u64 = 0
  let escapes: u64 = 0
  let depth: i32 = 0
  let bad: u64 = 0
  // 0: before the object, 1: inside, 2: behind it.
  let phase: i32 = 0
  for (let at = source; at < sourceEnd; at += 64) {
    const a = v128.load(at)
    const b = v128.load(at, 16)
    const c = v128.load(at, 32)
    const d = v128.load(at, 48)
    high = v128.or(high, v128.or(v128.or(a, b), v128.or(c, d)))
    let quotes = maskOf(a, b, c, d, i8x16.splat(0x22))
    let backslashes = maskOf(a, b, c, d, i8x16.splat(0x5c))
    // `[` and `{`, `]` and `}` differ in this bit.
    const a32 = v128.or(a, thirtyTwo)
    const b32 = v128.or(b, thirtyTwo)
    const c32 = v128.or(c, thirtyTwo)
    const d32 = v128.or(d, thirtyTwo)
    let opens = maskOf(a32, b32, c32, d32, i8x16.splat(0x7b))
    let closes = maskOf(a32, b32, c32, d32, i8x16.splat(0x7d))
    const least = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d))
    let within: u64 = ~0
    let controls: u64 = 0
    let tabs: u64 = 0
    let newline: u64 = 0
    if (v128.any_true(i8x16.sub_sat_u(thirtyTwo, least))) {
      newline = maskOf(a, b, c, d, i8x16.splat(10))
      newline &= 0 - newline
      if (newline != 0) within = newline - 1
      tabs = maskOf(a, b, c, d, i8x16.splat(9))
      controls = mask64(
        i8x16.lt_u(a, thirtyTwo),
        i8x16.lt_u(b, thirtyTwo),
        i8x16.lt_u(c, thirtyTwo),
        i8x16.lt_u(d, thirtyTwo),
      )
      // A carriage return right before the newline, in this block or the next, is none of the line's.
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
      // The byte behind a run of an odd number of backslashes is escaped; a run that began in the block before counts.
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
    if (phase == 1 && depth > closed) depth += <i32>popcnt(opens) - closed
    else {
      const blanks = maskOf(a, b, c, d, i8x16.splat(32)) | tabs
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
        depth += <i32>popcnt(opens) - closed
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

/** Escapes quotes and backslashes of text without control bytes. */
function escapeText(source: usize, end: usize, target: usize): usize {
  const quote = i8x16.splat(0x22)
  const backslash = i8x16.splat(0x5c)
  for (; source < end; source += 16) {
    const text = v128.load(source)
    let mask = <u32>i8x16.bitmask(v128.or(i8x16.eq(text, quote), i8x16.eq(text, backslash)))
    if (end - source < 16) {
      mask &= (1 << <u32>(end - source)) - 1
      return spread(text, mask, target) - (16 - (end - source))
    }
    if (mask == 0) {
      v128.store(target, text)
      target += 16
    } else target = spread(text, mask, target)
  }
  return target
}

/** Writes 16 bytes with a backslash before each masked one. */
// @ts-ignore: decorator
@inline
function spread(text: v128, mask: u32, target: usize): usize {
  const backslash = i8x16.splat(0x5c)
  const low = mask & 0xff
  const high = mask >> 8
  v128.store(target, i8x16.swizzle(v128.shuffle<u64>(text, backslash, 0, 2), v128.load(SPREAD + (<usize>low << 4))))
  target += 8 + <usize>popcnt(low)
  v128.store(target, i8x16.swizzle(v128.shuffle<u64>(text, backslash, 1, 3), v128.load(SPREAD + (<usize>high << 4))))
  return target + 8 + <usize>popcnt(high)
}

/** As `escapeText`, for text that may have control bytes. */
function escapeAny(source: usize, end: usize, target: usize): usize {
  while (source < end) {
    const text = v128.load(source)
    const controls = i8x16.lt_u(text, i8x16.splat(32))
    if (end - source >= 16 && !v128.any_true(controls)) {
      target = escapeText(source, source + 16, target)
      source += 16
      continue
    }
    const stop = min(end, source + 16)
    for (; source < stop; source++) target = escapeByte(load<u8>(source), target)
  }
  return target
}

function escapeByte(byte: u8, target: usize): usize {
  if (byte >= 32) {
    if (byte == 0x22 || byte == 0x5c) store<u8>(target++, 0x5c)
    store<u8>(target, byte)
    return target + 1
  }
  store<u8>(target, 0x5c)
  let short: u8 = 0
  if (byte == 8) short = 0x62
  else if (byte == 9) short = 0x74
  else if (byte == 10) short = 0x6e
  else if (byte == 12) short = 0x66
  else if (byte == 13) short = 0x72
  if (short != 0) {
    store<u8>(target, short, 1)
    return target + 2
  }
  const digit: u8 = byte & 15
  store<u32>(target, 0x30303075, 1)
  store<u8>(target, 0x30 + (byte >> 4), 4)
  store<u8>(target, digit < 10 ? 0x30 + digit : 0x57 + digit, 5)
  return target + 6
}

// What two neighbours may tell about text that is no UTF-8, a bit each.
const SHORT: i8 = 1 // a lead without its continuation
const LONG: i8 = 2 // a continuation behind ASCII
const OVERLONG_3: i8 = 4
const OVERLONG_2: i8 = 8
const SURROGATE: i8 = 16
const LARGE: i8 = 32 // over U+10FFFF: F4 90 and above
const LARGE_80: i8 = 64 // over U+10FFFF: F5 80 and above; also overlong: F0 80
const TWO: i8 = -128 // two continuations, wrong unless a longer lead stands before them
const ANY: i8 = SHORT | LONG | TWO

/**
 * Well-formed UTF-8: shortest forms, no surrogates, nothing over U+10FFFF. Each byte and the one before it give three
 * nibbles; what all three allow is wrong. Where a third or fourth byte must stand, TWO has to be found instead. (Keiser and
 * Lemire, Validating UTF-8 In Less Than One Instruction Per Byte, 2021.)
 */
function isUtf8(at: usize, end: usize): bool {
  const nibble = i8x16.splat(15)
  const top = i8x16.splat(-128)
  const lanes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  const E3: i8 = SHORT | OVERLONG_3 | SURROGATE
  const F4: i8 = SHORT | LARGE | LARGE_80
  const lastHigh = i8x16(
    LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, TWO, TWO, TWO, TWO, SHORT | OVERLONG_2, SHORT, E3, F4,
  )
  const L: i8 = ANY | LARGE
  const M: i8 = L | LARGE_80
  const lastLow = i8x16(
    ANY | OVERLONG_2 | OVERLONG_3 | LARGE_80, ANY | OVERLONG_2, ANY, ANY, L, M, M, M, M, M, M, M, M, M | SURROGATE, M, M,
  )
  const C: i8 = LONG | TWO | OVERLONG_2
  const thisHigh = i8x16(
    SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT,
    C | OVERLONG_3 | LARGE_80, C | OVERLONG_3 | LARGE, C | SURROGATE | LARGE, C | SURROGATE | LARGE,
    SHORT, SHORT, SHORT, SHORT,
  )
  let before = i8x16.splat(0)
  let wrong = i8x16.splat(0)
  // One block more than the text may have: a sequence cut off by the end of the text shows in what follows.
  for (; at <= end; at += 16) {
    let text = v128.load(at)
    if (end - at < 16) text = v128.and(text, i8x16.lt_u(lanes, i8x16.splat(<i8>(end - at))))
    if (v128.any_true(v128.and(v128.or(text, before), top))) {
      const last = v128.shuffle<u8>(before, text, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
      const second = v128.shuffle<u8>(before, text, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29)
      const third = v128.shuffle<u8>(before, text, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28)
      const pair = v128.and(
        v128.and(i8x16.swizzle(lastHigh, i8x16.shr_u(last, 4)), i8x16.swizzle(lastLow, v128.and(last, nibble))),
        i8x16.swizzle(thisHigh, i8x16.shr_u(text, 4)),
      )
      // The top bit where two bytes back stands 0xe0 or more, or three back 0xf0 or more.
      const longer = v128.or(
        i8x16.sub_sat_u(second, i8x16.splat(0x60)),
        i8x16.sub_sat_u(third, i8x16.splat(0x70)),
      )
      wrong = v128.or(wrong, v128.xor(pair, v128.and(longer, top)))
    }
    before = text
  }
  return !v128.any_true(wrong)
}

/** Writes milliseconds since the epoch: an audit event's last `stageTimestamp`, else the job's clock. */
function writeTime(source: usize, end: usize, target: usize): usize {
  // prettier-ignore
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
  // prettier-ignore
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
