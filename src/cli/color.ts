import type { Output } from '../io.ts'

const colors: Readonly<Record<string, string>> = { OK: '\x1b[32m', WARN: '\x1b[33m', FAIL: '\x1b[31m' }

/** Writes text; the words OK, WARN and FAIL are coloured at the start of a line or after its label. */
export function writeColored(output: Output, text: string): void {
  output.write(
    output.color
      ? text.replace(
          /^( *(?:[A-Za-z]+: )?)(OK|WARN|FAIL)\b/gm,
          (_, before, word) => `${before}${colors[word]}${word}\x1b[39m`,
        )
      : text,
  )
}
