import type { Readable } from 'node:stream'
import split2 from 'split2'
import { isObject, parseJsonObject } from '../json.ts'
import { printable } from '../observe/line.ts'

/** One line of the agent's own log. */
export interface AgentLogLine {
  /** Lines that are not JSON, such as a stack trace, count as `error`. */
  readonly level: string
  /** Safe to print. */
  readonly message: string
}

const MAX_LINE_LENGTH = 100_000

export function readLog(stream: Readable, onLine: (line: AgentLogLine) => void): void {
  const lines = split2({ maxLength: MAX_LINE_LENGTH, skipOverflow: true } as split2.Options)
  lines.on('data', (line: string) => {
    if (line.trim() !== '') onLine(parseLogLine(line))
  })
  stream.pipe(lines)
}

function parseLogLine(line: string): AgentLogLine {
  const record = parseJsonObject(line)
  if (typeof record?.message !== 'string') return { level: 'error', message: printable(line) }
  const component = typeof record.component === 'string' ? `${record.component}: ` : ''
  const cause = isObject(record.err) && typeof record.err.message === 'string' ? ` (${record.err.message})` : ''
  return { level: String(record.level), message: printable(`${component}${record.message}${cause}`) }
}
