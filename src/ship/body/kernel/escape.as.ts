import { full } from './vectors.as'

/** 256 shuffles of 16 bytes, one for each mask of 8 bytes: it puts a backslash before each masked byte. */
const SPREAD: usize = 1024

export function prepareEscapes(): void {
  for (let mask: u32 = 0; mask < 256; mask++) {
    let at: usize = SPREAD + (<usize>mask << 4)
    const end: usize = at + 16
    for (let bit: u32 = 0; bit < 8; bit++) {
      if ((mask >> bit) & 1) store<u8>(at++, 8)
      store<u8>(at++, bit)
    }
    while (at < end) store<u8>(at++, 0x80)
  }
}

/** Returns a mask with a bit for each byte that needs a backslash. */
@inline
export function toEscape(text: v128, quote: v128, backslash: v128): u32 {
  return <u32>i8x16.bitmask(v128.or(i8x16.eq(text, quote), i8x16.eq(text, backslash)))
}

/**
 * Writes 16 bytes with a backslash before each masked one. There is no branch, because bytes to escape are too frequent and
 * too irregular for one to pay off. The relaxed swizzle saves handling the indices from 16 to 127, which the table lacks.
 */
@inline
export function spread(text: v128, mask: u32, backslash: v128, target: usize): usize {
  const low = mask & 0xff
  const front = v128.load(<usize>low << 4, SPREAD)
  const rear = v128.load(<usize>(mask >> 4) & 0xff0, SPREAD)
  v128.store(target, i8x16.relaxed_swizzle(v128.shuffle<u64>(text, backslash, 0, 2), front))
  v128.store(target + <usize>popcnt(low), i8x16.relaxed_swizzle(v128.shuffle<u64>(text, backslash, 1, 3), rear), 8)
  return target + <usize>popcnt(mask) + 16
}

/** Escapes text that may contain control bytes. */
export function escapeAny(source: usize, end: usize, target: usize): usize {
  const quote = full(0x22)
  const backslash = full(0x5c)
  const lastControl = full(31)
  while (source < end) {
    const text = v128.load(source)
    if (end - source >= 16 && i8x16.bitmask(i8x16.le_u(text, lastControl)) == 0) {
      target = spread(text, toEscape(text, quote, backslash), backslash, target)
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
