import { writeSync } from 'node:fs'
import { type Level, type Logger, pino } from 'pino'
import type { Log, LogFields } from '../log.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'

/** The log of the whole agent; `component` returns a part's own log, which differs only in that field. */
export interface AgentLog extends Log {
  component(name: string): Log
}

/** Writes one line with its newline; false if it could not be written. Never throws. */
export type Sink = (line: string) => boolean

export interface LogOptions {
  readonly level: Level
  readonly sink: Sink
  /** Milliseconds of a monotonic clock, for the rate limit. */
  readonly monotonicMs?: () => number
}

const REPEAT_INTERVAL_MS = 30_000
const MAX_KEYS = 1000
const MAX_ERROR_LENGTH = 500

/** Redacted at the top level and one level below, in case a secret slips into the log fields. */
const secretFields = [
  'apiKey',
  'api_key',
  'token',
  'password',
  'secret',
  'authorization',
  'Authorization',
  'headers',
  'body',
]

/** JSON lines: `{"level":"warn","time":"…Z","component":"tail",…fields,"message":"…"}`. */
export function createLog(options: LogOptions): AgentLog {
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      redact: secretFields.flatMap((name) => [name, `*.${name}`]),
    },
    { write: lossy(options.sink) },
  )
  const limit = createRateLimit({ intervalMs: REPEAT_INTERVAL_MS, maxKeys: MAX_KEYS })
  const monotonicMs = options.monotonicMs ?? (() => performance.now())
  return {
    ...limited(logger.child({ component: 'agent' }), limit, monotonicMs),
    component: (name) => limited(logger.child({ component: name }), limit, monotonicMs),
  }
}

/**
 * Writes synchronously, so that the last words before an exit are not lost. A full disk or a vanished reader costs lines,
 * nothing else.
 */
export function fileSink(fd: number): Sink {
  return (line) => {
    try {
      writeSync(fd, line)
      return true
    } catch {
      return false
    }
  }
}

function limited(logger: Logger, limit: RateLimit, monotonicMs: () => number): Log {
  const at = (level: Level) => (fields: LogFields, message: string) => {
    if (!logger.isLevelEnabled(level)) return
    const { key, ...rest } = fields
    const suppressed = key === undefined ? 0 : limit.admit(key, monotonicMs())
    if (suppressed === undefined) return
    logger[level](suppressed > 0 ? { ...rest, suppressed } : rest, message)
  }
  return { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Reports how many lines were lost as soon as one can be written again. */
function lossy(sink: Sink): (line: string) => void {
  let lost = 0
  return (line) => {
    if (lost > 0) {
      const note = {
        level: 'warn',
        time: new Date().toISOString(),
        component: 'log',
        lost,
        message: 'lines of this log could not be written',
      }
      if (sink(`${JSON.stringify(note)}\n`)) lost = 0
    }
    if (!sink(line)) lost += 1
  }
}

/** Name, code and message of an error. Its other properties may contain anything, and a SyntaxError's message quotes the parsed text. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error).slice(0, MAX_ERROR_LENGTH)
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const message = error instanceof SyntaxError ? {} : { message: error.message.slice(0, MAX_ERROR_LENGTH) }
  return { type: error.name, ...code, ...message }
}
