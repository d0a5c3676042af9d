/** `npm run bench:patterns`: processing-rule patterns on audit events, compared with plain re2js on a string per line. */
import { RE2JS } from 're2js'
import { createEventSource } from '../src/demo/events/events.ts'
import { Pattern } from '../src/process/pattern/pattern.ts'
import { spreadOf } from './statistics.ts'
import { table } from './table.ts'

const patterns = [
  '"kind":"Event"',
  '"verb":"(get|list|watch)"',
  '"(token|password)":"[^"]*"',
  'system:serviceaccount:[a-z-]+:[a-z-]+',
  '[0-9]{1,3}(\\.[0-9]{1,3}){3}',
]
const PLACEHOLDER = '***'
const ROUNDS = 5

const source = createEventSource(1)
const lines = Array.from({ length: 2000 }, () => source.next().subarray(0, -1))
const bytes = lines.reduce((sum, line) => sum + line.length, 0)

/** Median MB/s of `look` over all lines. */
function speed(look: (line: Buffer) => unknown): string {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const beganAtMs = performance.now()
    for (const line of lines) look(line)
    return bytes / 1000 / (performance.now() - beganAtMs)
  })
  return spreadOf(rounds).median.toFixed(0)
}

const rows = patterns.map((text) => {
  const pattern = new Pattern(text)
  const placeholder = pattern.placeholder(PLACEHOLDER)
  const re2 = RE2JS.compile(text)
  return [
    text,
    speed((line) => pattern.matches(line)),
    speed((line) => re2.test(line.toString())),
    speed((line) => pattern.replaceAll(line, placeholder, 2 * line.length)),
    speed((line) => re2.matcher(line.toString()).replaceAll(PLACEHOLDER)),
  ]
})
const head = ['MB/S', 'MATCH', 'BY RE2JS', 'REPLACE', 'BY RE2JS']
process.stdout.write(`${table([head, ...rows])}\n`)
