import { Buffer, isUtf8 } from 'node:buffer'
import { AUDIT_EVENT_START, type Kernel, stop, word } from './kernel.ts'

const TAB = 9
const NEWLINE = 10
const RETURN = 13
const QUOTE = 34
const BACKSLASH = 92
const OPEN = 123
const CLOSE = 125

interface Line {
  readonly start: number
  readonly end: number
}
type Encode = (line: Line, target: number) => { readonly end: number; readonly payload: number }

/** The kernel's contract as a plain loop over bytes. */
export function loopKernel(memoryBytes: number): Kernel {
  const memory = new ArrayBuffer(memoryBytes)
  const bytes = Buffer.from(memory)
  const words = new Uint32Array(memory)
  const at = (index: number): number => words[index] ?? 0
  const put = (target: number, from: number, length: number): number => {
    bytes.copyWithin(target, from, from + length)
    return target + length
  }
  const constant = (target: number, name: 'head' | 'middle' | 'tail'): number =>
    put(target, at(word[name]), at(word[`${name}Bytes`]))
  const time = (line: Line, target: number): number => {
    const ms = stageTime(bytes.subarray(line.start, line.end))
    if (ms === undefined) return put(target, at(word.clock), at(word.clockBytes))
    return target + bytes.write(String(ms), target, 'latin1')
  }
  const contentEnd = (line: Line): number =>
    line.end > line.start && bytes[line.end - 1] === RETURN ? line.end - 1 : line.end

  const asObject: Encode = (line, target) => ({ end: put(target, line.start, line.end - line.start), payload: target })
  const asAttributes: Encode = (line, target) => {
    const rest = bytes.indexOf(OPEN, line.start) + 1
    let end = constant(target, 'head')
    end = constant(end, 'middle')
    end = time({ start: line.start, end: contentEnd(line) }, end)
    let first = rest
    while (bytes[first] === 32 || bytes[first] === TAB) first += 1
    if (bytes[first] !== CLOSE) bytes[end++] = 44
    return { end: put(end, rest, line.end - rest), payload: end }
  }
  const asMessage: Encode = (line, target) => {
    const end = contentEnd(line)
    const escaped = JSON.stringify(bytes.toString('utf8', line.start, end)).slice(1, -1)
    const payload = constant(target, 'head')
    let position = payload + bytes.write(escaped, payload)
    position = constant(position, 'middle')
    position = time({ start: line.start, end }, position)
    return { end: constant(position, 'tail'), payload }
  }

  function take(line: Line, next: number, encode: Encode): boolean {
    const target = at(word.target)
    const records = at(word.records)
    const { end, payload } = encode(line, target)
    if (records > 0 && end + 1 > at(word.targetEnd)) return false
    bytes[end] = 44
    const entry = (at(word.table) >> 2) + 2 * records
    words.set([target, payload], entry)
    words[word.records] = records + 1
    words[word.target] = end + 1
    words[word.source] = next
    return true
  }

  function run(encode: Encode, structured: boolean, overhead: number): number {
    const sourceEnd = at(word.sourceEnd)
    const odd = (code: number, end: number, next: number): number => {
      words[word.oddEnd] = end
      words[word.oddNext] = next
      return code
    }
    for (;;) {
      const source = at(word.source)
      if (at(word.records) >= at(word.maxRecords)) return stop.full
      if (source === sourceEnd) return stop.partial
      const found = bytes.subarray(0, sourceEnd).indexOf(NEWLINE, source)
      const line: Line = { start: source, end: found < 0 ? sourceEnd : found }
      const whole = contentEnd(line)
      if (found >= 0 && whole === source) {
        words[word.emptyBytes] = at(word.emptyBytes) + found + 1 - source
        words[word.source] = found + 1
        continue
      }
      if (bytes[source] === 0) {
        let end = source
        while (end < sourceEnd && bytes[end] === 0) end += 1
        return odd(stop.nul, end, end)
      }
      if (whole - source > at(word.maxLineBytes))
        return found < 0 ? odd(stop.tooLong, sourceEnd, sourceEnd) : odd(stop.tooLong, whole, found + 1)
      if (found < 0) {
        const least = at(word.target) + overhead + sourceEnd - source + 1
        return at(word.records) > 0 && least > at(word.targetEnd) ? stop.full : stop.partial
      }
      const content = bytes.subarray(source, whole)
      if (structured) {
        if (!isObject(content)) return odd(stop.notJson, whole, found + 1)
      } else if (isGlued(content)) return odd(stop.glued, whole, found + 1)
      if (!isUtf8(content)) return odd(stop.invalidUtf8, whole, found + 1)
      if (!take(line, found + 1, encode)) return stop.full
    }
  }

  const overhead = (): number => at(word.headBytes) + at(word.middleBytes) + at(word.tailBytes)
  return {
    bytes,
    words,
    objects: () => run(asObject, true, 0),
    attributes: () => run(asAttributes, true, overhead()),
    messages: () => run(asMessage, false, overhead()),
    message() {
      if (at(word.records) >= at(word.maxRecords)) return stop.full
      const line = { start: at(word.source), end: at(word.sourceEnd) - 1 }
      return take(line, line.end + 1, asMessage) ? stop.partial : stop.full
    },
  }
}

/** Whether the line is one object with balanced brackets and closed strings, and nothing but blanks around it. */
function isObject(line: Buffer): boolean {
  let depth = 0
  let inString = false
  let escaped = false
  let ended = false
  for (const byte of line) {
    if (byte < 32 && (inString || byte !== TAB)) return false
    if (inString) {
      if (byte === QUOTE && !escaped) inString = false
      escaped = byte === BACKSLASH && !escaped
    } else if (byte !== 32 && byte !== TAB) {
      if (ended || (depth === 0 && byte !== OPEN) || byte === BACKSLASH) return false
      if (byte === QUOTE) inString = true
      else if ((byte | 32) === OPEN) depth += 1
      else if ((byte | 32) === CLOSE) depth -= 1
      if (depth === 0 && byte !== CLOSE) return false
      ended = depth === 0
    }
  }
  return ended
}

/** Whether an audit event, or the torn front of one, is followed on its line by the front of another. */
function isGlued(line: Buffer): boolean {
  const again = line.indexOf(AUDIT_EVENT_START, 1, 'latin1')
  if (again < 0) return false
  const torn = '{"kind":"Event"'
  const length = Math.min(torn.length, again)
  return line.toString('latin1', 0, length) === torn.slice(0, length) && !isObject(line)
}

/** Milliseconds since the epoch of an audit event's last `stageTimestamp`. */
function stageTime(line: Buffer): number | undefined {
  if (line.indexOf('{"kind":"Event"', 0, 'latin1') !== 0) return undefined
  const key = '"stageTimestamp":"'
  const found = line.lastIndexOf(key)
  if (found < 0) return undefined
  const text = line.toString('latin1', found + key.length, found + key.length + 40)
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z"/.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second) + Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
}
