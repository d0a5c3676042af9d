import type { Check } from './status.ts'

/** One line for one check: `OK    live`, `FAIL  ready: reason; reason`. */
export function checkLine(name: string, check: Check): string {
  return check.ok ? `OK    ${name}` : `FAIL  ${name}: ${printable(check.reasons.join('; '))}`
}

/**
 * Makes text safe to print, because file names and servers' responses may contain anything. Control characters, which could
 * steer a terminal, become `\xNN`, as do the bytes of a name that is not UTF-8 (tail/file/file-name.ts).
 */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}/gu, (character) => {
    const point = character.codePointAt(0) ?? 0
    const code = point >= 0xdc80 && point <= 0xdcff ? point - 0xdc00 : point
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}
