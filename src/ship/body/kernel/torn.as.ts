import { isObject, scanObject } from './object.as'

/**
 * Whether the line begins with an audit event, whole or torn, and `event` follows it instead of being a proper part of it.
 * `event` is not text in a string, because a JSON string cannot contain raw quotes.
 */
export function isGlued(source: usize, event: usize, sourceEnd: usize): bool {
  for (let i: usize = 0; i < 15 && source + i < event; i++) {
    if (load<u8>(source + i) != load<u8>(event + i)) return false
  }
  scanObject(source, sourceEnd)
  return !isObject
}

/** `{"kind":"Event","apiVersion":"audit.k8s.io/` */
export function isAuditEvent(at: usize): bool {
  const front = i8x16(0x7b, 0x22, 0x6b, 0x69, 0x6e, 0x64, 0x22, 0x3a, 0x22, 0x45, 0x76, 0x65, 0x6e, 0x74, 0x22, 0x2c)
  const middle = i8x16(0x22, 0x61, 0x70, 0x69, 0x56, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x22, 0x3a, 0x22, 0x61, 0x75)
  const rear = i8x16(0x3a, 0x22, 0x61, 0x75, 0x64, 0x69, 0x74, 0x2e, 0x6b, 0x38, 0x73, 0x2e, 0x69, 0x6f, 0x2f, 0)
  const same =
    <u32>i8x16.bitmask(i8x16.eq(v128.load(at), front)) &
    <u32>i8x16.bitmask(i8x16.eq(v128.load(at, 16), middle)) &
    (<u32>i8x16.bitmask(i8x16.eq(v128.load(at, 28), rear)) | 0x8000)
  return same == 0xffff
}
