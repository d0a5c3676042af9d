/** 256 shuffles of 16 bytes: for a mask of 8 bytes, those bytes with a backslash before each masked one. */
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

/** Escapes quotes and backslashes of text without control bytes. */
export function escapeText(source: usize, end: usize, target: usize): usize {
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
export function escapeAny(source: usize, end: usize, target: usize): usize {
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
