import { type Buffer, isUtf8 } from 'node:buffer'

/** What a body must make of a file, computed as simply as possible: one line at a time, with strings. */
export type ReferenceLine =
  | { readonly kind: 'record'; readonly line: string; readonly record: string; readonly bytes: number }
  | { readonly kind: 'empty'; readonly bytes: number }
  | {
      readonly kind: 'odd'
      readonly reason: 'too-long' | 'nul' | 'not-json' | 'glued' | 'invalid-utf8'
      readonly start: number
      readonly end: number
    }

export interface ReferenceFormat {
  readonly name: 'list' | 'message' | 'attributes'
  readonly attributes: string
  readonly maxLineBytes: number
  readonly readAtMs: number
  /** Whether odd lines with invalid content are taken as far as the format allows. */
  readonly repair: boolean
}

const AUDIT_EVENT = '{"kind":"Event","apiVersion":"audit.k8s.io/'

/** The lines of the file up to its last newline, and the rest if it is already too long. */
export function referenceLines(file: Buffer, format: ReferenceFormat): ReferenceLine[] {
  const lines: ReferenceLine[] = []
  let start = 0
  while (start < file.length) {
    let nulEnd = start
    while (file[nulEnd] === 0) nulEnd += 1
    if (nulEnd > start) {
      lines.push({ kind: 'odd', reason: 'nul', start, end: nulEnd })
      start = nulEnd
      continue
    }
    const newline = file.indexOf(10, start)
    if (newline < 0) {
      const rest = file.length - start - (file.at(-1) === 13 ? 1 : 0)
      if (rest > format.maxLineBytes) lines.push({ kind: 'odd', reason: 'too-long', start, end: file.length })
      break
    }
    const end = newline > start && file[newline - 1] === 13 ? newline - 1 : newline
    lines.push(
      end === start
        ? { kind: 'empty', bytes: newline + 1 - start }
        : referenceLine({ file, start, end, newline }, format),
    )
    start = newline + 1
  }
  return lines
}

interface Place {
  readonly file: Buffer
  readonly start: number
  readonly end: number
  readonly newline: number
}

function referenceLine({ file, start, end, newline }: Place, format: ReferenceFormat): ReferenceLine {
  const bytes = file.subarray(start, end)
  const reason = oddReason(bytes, format)
  const mendable = format.name === 'message' ? ['glued', 'invalid-utf8'] : ['invalid-utf8']
  if (reason !== undefined && !(format.repair && mendable.includes(reason))) return { kind: 'odd', reason, start, end }
  const line = bytes.toString()
  const whole = { kind: 'record', line, bytes: newline + 1 - start } as const
  const time = `"status":"info","timestamp":${stageTime(line) ?? format.readAtMs}`
  if (format.name === 'message')
    return { ...whole, record: `{"message":${JSON.stringify(line)},${time},${format.attributes}}` }
  const withReturn = reason === undefined ? file.toString('utf8', start, newline) : line
  if (format.name === 'list') return { ...whole, record: withReturn }
  const members = withReturn.slice(withReturn.indexOf('{') + 1)
  const comma = /^[ \t]*\}/.test(members) ? '' : ','
  return { ...whole, record: `{${format.attributes},${time}${comma}${members}` }
}

function oddReason(line: Buffer, format: ReferenceFormat) {
  if (line.length > format.maxLineBytes) return 'too-long'
  const again = line.indexOf(AUDIT_EVENT, 1)
  if (format.name === 'message') {
    const torn = line.toString('latin1', 0, again)
    const begins = torn.startsWith('{"kind":"Event"') || '{"kind":"Event"'.startsWith(torn)
    if (again > 0 && begins && !isBalancedObject(line)) return 'glued'
  } else if (!isBalancedObject(line)) return again > 0 ? 'glued' : 'not-json'
  return isUtf8(line) ? undefined : 'invalid-utf8'
}

/** Whether the line is one object, with only blanks around it: balanced brackets, closed strings, no control bytes. */
export function isBalancedObject(line: Buffer): boolean {
  const text = line.toString('latin1')
  let string = false
  let depth = 0
  let ended = false
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index)
    if (character < ' ' && (string || character !== '\t')) return false
    if (string) {
      if (character === '"') string = false
      if (character === '\\') {
        index += 1
        if (text.charAt(index) < ' ') return false
      }
      continue
    }
    if (character === ' ' || character === '\t') continue
    if (ended || character === '\\' || (depth === 0 && character !== '{')) return false
    if (character === '"') string = true
    if (character === '{' || character === '[') depth += 1
    if (character === '}' || character === ']') depth -= 1
    if (depth === 0 && character !== '}') return false
    ended = depth === 0
  }
  return ended
}

/** An audit event's last `stageTimestamp`, ms since the epoch; undefined unless it is a date from 1970 to 9999. */
export function stageTime(line: string): number | undefined {
  if (!line.startsWith('{"kind":"Event"')) return undefined
  const key = '"stageTimestamp":"'
  const found = line.lastIndexOf(key)
  const rest = found < 0 ? '' : line.slice(found + key.length)
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z"/.exec(rest)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= 31
  if (year < 1970 || !isDate || hour > 23 || minute > 59 || second > 59) return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second) + Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
}
